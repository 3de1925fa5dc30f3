//! The bell: hears what other replicas say, and tells them what has changed here. Redis carries it and is never believed;
//! when it is away, sweeps find what was not rung for.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::hints::{Hints, Topic};
use super::link::{Target, Voice};
use super::trouble::Fault;
use crate::app::App;
use crate::health::RedisState;

/// How long what is to be said waits for what comes with it: all of that is one command.
const GATHERED: Duration = Duration::from_millis(10);
/// How often Redis is asked for a sign of life: 1,440 commands a day, of the 10,000 of the guide's plan.
const ASKED_EVERY: Duration = Duration::from_secs(60);
/// The first pause before a lost connection is made anew, doubled until the longest.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often in a row a connection that stood for a short while only is made anew after the first pause.
const QUICK: u32 = 60;
/// After how long a connection has lasted.
const LASTED: Duration = Duration::from_secs(600);
/// The pause when trying again soon cannot help: a wrong password, a plan that is used up.
const LASTING_PAUSE: Duration = Duration::from_secs(60);
/// After how long the same trouble is worth a line of the log again.
const SAID_AGAIN: Duration = Duration::from_secs(600);

/// Runs until the server stops.
pub async fn run(app: App) {
    let Some(redis) = &app.config.redis else { return };
    app.health.set_redis(RedisState::Unseen, Duration::ZERO);
    match Target::of(redis) {
        Ok(target) => {
            tokio::join!(hear(&app, &target), tell(&app, &target));
        }
        Err(fault) => Warnings::default().note(&app, &target_of(redis), &fault),
    }
}

fn target_of(redis: &crate::config::Redis) -> String {
    format!("{}:{}", redis.host, redis.port)
}

async fn hear(app: &App, target: &Target) {
    let (mut pause, mut quick, mut warnings) = (PAUSE, 0, Warnings::default());
    loop {
        let began = Instant::now();
        let fault = hear_once(app, target, &mut warnings).await;
        let stood = app.replicas.set_hears(false);
        app.replicas.tally().lost.fetch_add(u64::from(stood), Ordering::Relaxed);
        warnings.note(app, &format!("{target:?}"), &fault);
        // What was lost meanwhile is looked for from now on, more often than while somebody rings.
        app.live.look();
        if began.elapsed() > LASTED {
            quick = 0;
        }
        if stood && quick < QUICK {
            // Providers close what is idle, networks what is old: that is no outage.
            (pause, quick) = (PAUSE, quick + 1);
        }
        let shortest = if fault.trouble.is_lasting() { LASTING_PAUSE } else { pause };
        tokio::time::sleep(jittered(shortest)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Listens as long as that is possible, and says why it is not any more.
async fn hear_once(app: &App, target: &Target, warnings: &mut Warnings) -> Fault {
    let began = Instant::now();
    let mut ear = match target.listen().await {
        Ok(ear) => ear,
        Err(fault) => return fault,
    };
    app.health.set_redis(RedisState::Ready, began.elapsed());
    app.replicas.set_hears(true);
    warnings.over();
    // What was said before we listened was not heard.
    catch_up(app);
    app.replicas.greet();
    loop {
        tokio::select! {
            message = ear.next() => match message {
                Some(message) => heard(app, &message),
                None => return Fault::new(super::Trouble::Lost, "the connection has ended"),
            },
            () = tokio::time::sleep(ASKED_EVERY) => match ear.ping().await {
                Ok(took) => app.health.set_redis(RedisState::Ready, took),
                Err(fault) => return fault,
            },
        }
    }
}

/// Looks at everything that somebody may have rung for in vain.
pub(super) fn catch_up(app: &App) {
    app.live.look();
    app.changes.hear_of_all();
}

fn heard(app: &App, message: &[u8]) {
    match Hints::read(message) {
        Ok((from, _)) if from == app.replicas.id() => {}
        Ok((_, hints)) => {
            app.replicas.has_heard();
            app.replicas.tally().heard.fetch_add(1, Ordering::Relaxed);
            take_in(app, &hints);
        }
        // A newer server says what we do not know, or somebody else uses this channel: no harm, sweeps go on.
        Err(unread) => tracing::debug!(?unread, bytes = message.len(), "a message on the bell was not understood"),
    }
}

/// What another replica has changed is looked at here.
fn take_in(app: &App, hints: &Hints) {
    for site in hints.sites(Topic::Keys) {
        app.live.hub.dismiss(site);
    }
    hints.ended().for_each(|credential| app.changes.hear_of_end(credential));
    hints.changes().into_iter().for_each(|change| app.changes.hear(change));
    app.live.bell.ring(hints.sites(Topic::Work));
    app.live.look_for_moved(hints.sites(Topic::Seats));
    let is_all = |topic| hints.about(topic).is_some_and(|named| *named == super::hints::Named::All);
    if [Topic::Work, Topic::Keys, Topic::Seats].into_iter().any(is_all) {
        app.live.look();
    }
}

async fn tell(app: &App, target: &Target) {
    let (mut voice, mut warnings) = (None, Warnings::default());
    loop {
        app.replicas.outbox.rung().await;
        tokio::time::sleep(GATHERED).await;
        let hints = app.replicas.outbox.take();
        // Where nobody can be heard nobody is told: whoever cannot hear us looks by himself.
        if !app.replicas.hears() {
            voice = None;
            continue;
        }
        match say(&mut voice, target, &hints.write(app.replicas.id())).await {
            Ok(()) => {
                app.replicas.tally().said.fetch_add(1, Ordering::Relaxed);
                if warnings.over() {
                    app.health.set_redis(RedisState::Ready, Duration::ZERO);
                }
                // Who is alone has said that it is there, and nothing more for a long time.
                voice = voice.filter(|_| app.replicas.outbox.has_others());
            }
            Err(fault) => {
                voice = None;
                warnings.note(app, &format!("{target:?}"), &fault);
                tokio::time::sleep(jittered(if fault.trouble.is_lasting() { LASTING_PAUSE } else { PAUSE })).await;
            }
        }
    }
}

/// Says a message on the connection that there is, or on a new one: one that was idle may have been closed.
async fn say(voice: &mut Option<Voice>, target: &Target, message: &[u8]) -> Result<(), Fault> {
    if let Some(open) = voice
        && open.publish(message).await.is_ok()
    {
        return Ok(());
    }
    voice.insert(target.speak().await?).publish(message).await
}

/// A pause that differs: replicas that lost Redis together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0u8; 1];
    let share = if getrandom::fill(&mut byte).is_ok() { u32::from(byte[0]) } else { 0 };
    pause / 2 + pause * share / 255
}

/// What was said of a trouble, so that the log does not say the same again and again.
#[derive(Debug, Default)]
struct Warnings {
    said: Option<(super::Trouble, Instant)>,
}

impl Warnings {
    fn note(&mut self, app: &App, target: &str, fault: &Fault) {
        let Fault { trouble, detail } = fault;
        app.health.set_redis(RedisState::Wrong(*trouble), Duration::ZERO);
        if self.said.is_some_and(|(said, at)| said == *trouble && at.elapsed() < SAID_AGAIN) {
            return;
        }
        self.said = Some((*trouble, Instant::now()));
        let (words, advice, sweep) = (trouble.words(), trouble.advice(), crate::live::SWEPT_DEAF.as_secs());
        tracing::warn!(
            "Redis ({target}) : {words} {advice} Le serveur continue sans lui ; ce qui vient d'un autre réplica est vu \
             au bout de {sweep} s au plus. Détail : {detail}"
        );
    }

    /// It is over; whether there was anything.
    fn over(&mut self) -> bool {
        let was_said = self.said.take().is_some();
        if was_said {
            tracing::info!("Redis répond de nouveau.");
        }
        was_said
    }
}
