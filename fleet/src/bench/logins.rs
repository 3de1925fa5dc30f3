//! Logins, one behind the other from several callers, while boxes live beside them: hashing must not take the processor
//! from everybody else.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::beat::Controls;
use super::boxes::{Answer, Crowd, Shared, heartbeat};
use super::http::Caller;
use super::ledger::Ledger;
use super::times::{Times, number};
use super::{Measured, Target, arrive};
use crate::identity::identity;
use crate::wire::Wire;

/// How long it is measured, first without logins and then with them.
const TIME: Duration = Duration::from_secs(20);
/// Between two heartbeats of a box that is listened to.
const PULSE: Duration = Duration::from_millis(500);
/// Of so many sessions it is asked whether they are any good.
const TRIED: usize = 50;

/// Whose logins, and beside whom.
#[derive(Debug, Args)]
pub struct Logins {
    #[command(flatten)]
    target: Target,
    /// The password that the accounts get, on a server that is there for this alone.
    #[arg(long)]
    password: String,
    /// How many log in at the same time, each with an account of his own: guesses at one account are slowed.
    #[arg(long, default_value_t = 16)]
    callers: usize,
    /// How many boxes beat as in the field.
    #[arg(long, default_value_t = 1_000)]
    beside: usize,
    /// How many more of them are listened to.
    #[arg(long, default_value_t = 50)]
    pulses: usize,
}

impl Logins {
    pub(super) async fn run(self) -> Result<Value, String> {
        let measured = Measured::new(self.target.clone()).await?;
        let all = self.beside + self.pulses;
        self.make_accounts(&measured).await?;
        let mut crowd = Crowd::new(Shared::new(&self.target, 0, Ledger::new(all, all)));
        arrive::quietly(&mut crowd, 0..self.beside).await;
        crowd.beat();
        let mut wires = Vec::new();
        for box_number in self.beside..all {
            match crowd.shared.introduce(box_number).await {
                Ok(Answer::Welcome(wire)) => wires.push((box_number, wire)),
                Ok(Answer::Refused(why)) => return Err(format!("Box {box_number} is refused: {why}")),
                Err(error) => return Err(format!("Box {box_number}: {error}.")),
            }
        }

        let (wires, quiet) = pulses(&crowd, wires, TIME).await?;
        let before = measured.processes.resident()?;
        let cost = measured.processes.cost()?;
        let is_over = AtomicBool::new(false);
        let callers = futures_util::future::try_join_all((0..self.callers).map(|number| self.log_in(number, &is_over)));
        let watch = async {
            let result = watch_memory(&measured, TIME).await;
            is_over.store(true, Ordering::Relaxed);
            result
        };
        let (logins, beats, peak) = tokio::try_join!(callers, pulses(&crowd, wires, TIME), watch)?;
        let spent = measured.processes.cost()?.since(cost);

        let (times, tokens): (Vec<Times>, Vec<Vec<Begun>>) = logins.into_iter().unzip();
        let times = times.into_iter().fold(Times::default(), |mut all, some| {
            all.extend(some);
            all
        });
        let tokens: Vec<Begun> = tokens.into_iter().flatten().collect();
        let mut controls = Controls::default();
        self.try_sessions(&crowd, &tokens, &mut controls).await?;
        let left = crowd.count();
        if left != self.beside {
            crowd.shared.ledger.complain(format!("Of {} connections {left} are left.", self.beside));
        }
        crowd.leave().await;
        let faults = crowd.shared.ledger.faults();
        Ok(json!({
            "logins": times.json(), "per_second": number(times.count()) / TIME.as_secs_f64(),
            "cpu_ms": arrive::milliseconds_each(spent, times.count()),
            "heartbeat_quiet": quiet.json(), "heartbeat": beats.1.json(),
            "memory_kib": { "before": before, "peak": peak },
            "controls": controls.json(), "faults": { "count": faults.count(), "first": faults.told() },
        }))
    }

    /// An account for each caller.
    async fn make_accounts(&self, measured: &Measured) -> Result<(), String> {
        let mut caller = measured.caller().await?;
        for number in 0..self.callers {
            let account = json!({
                "email": address(number), "full_name": "Bench", "role": "viewer", "password": self.password,
            });
            caller.send_json("POST", "/api/users", &account).await?.json()?;
        }
        Ok(())
    }

    /// Logs in again and again: how long each took, and the tokens.
    async fn log_in(&self, number: usize, is_over: &AtomicBool) -> Result<(Times, Vec<Begun>), String> {
        let mut caller = Caller::connect(self.target.server, "").await?;
        let email = address(number);
        let body = json!({ "email": email, "password": self.password });
        let (mut times, mut tokens) = (Times::default(), Vec::new());
        while !is_over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let begun = caller.send_json("POST", "/api/auth/login", &body).await?.json()?;
            times.add(began.elapsed());
            let token = begun["token"].as_str().ok_or("A login gave no token.")?.to_owned();
            tokens.push(Begun { email: email.clone(), token });
        }
        Ok((times, tokens))
    }

    /// Each login has to have begun a session of its own that is good for something; a changed token is good for nothing.
    async fn try_sessions(&self, crowd: &Crowd, begun: &[Begun], controls: &mut Controls) -> Result<(), String> {
        let ledger = &crowd.shared.ledger;
        let different: HashSet<&String> = begun.iter().map(|begun| &begun.token).collect();
        if different.len() != begun.len() {
            ledger.complain(format!("Of {} tokens {} are different.", begun.len(), different.len()));
        }
        for begun in begun.iter().step_by((begun.len() / TRIED).max(1)) {
            if let Some(fault) = self.session_fault(begun).await? {
                ledger.complain(fault);
            }
        }
        if let Some(Begun { email, token }) = begun.first() {
            let (head, signature) = token.rsplit_once('.').ok_or("A token has no signature.")?;
            let turned: String = signature.chars().rev().collect();
            let wrong = Begun { email: email.clone(), token: format!("{head}.{turned}") };
            controls.expect(&self.session_fault(&wrong).await?.into_iter().collect::<Vec<_>>());
        }
        Ok(())
    }

    async fn session_fault(&self, Begun { email, token }: &Begun) -> Result<Option<String>, String> {
        let mut caller = Caller::connect(self.target.server, token).await?;
        let answer = caller.get("/api/auth/me").await?;
        let is_right = answer.status == 200 && answer.json().is_ok_and(|me| me["email"] == email.as_str());
        Ok((!is_right).then(|| format!("A session is answered {}.", answer.status)))
    }
}

/// A session that a login has begun.
struct Begun {
    email: String,
    token: String,
}

/// The address of a caller's account.
fn address(number: usize) -> String {
    format!("bench-{number}@example.org")
}

type Wires = Vec<(usize, Box<Wire>)>;

/// Lets boxes beat often: how long the server takes to have read each heartbeat.
async fn pulses(crowd: &Crowd, wires: Wires, time: Duration) -> Result<(Wires, Times), String> {
    let until = Instant::now() + time;
    let mut tasks: JoinSet<Result<_, String>> = JoinSet::new();
    for (place, (box_number, mut wire)) in wires.into_iter().enumerate() {
        let site = identity(&crowd.shared.seed, box_number).site;
        tasks.spawn(async move {
            let mut times = Times::default();
            tokio::time::sleep(PULSE.mul_f64(number(place % 10) / 10.0)).await;
            while Instant::now() < until {
                let beat = heartbeat(site, box_number, neopro_box::clock::unix_millis());
                let took = wire.pulse("heartbeat", &beat).await;
                times.add(took.map_err(|error| format!("Box {box_number}: {error}."))?);
                tokio::time::sleep(PULSE).await;
            }
            Ok((box_number, wire, times))
        });
    }
    let (mut wires, mut all) = (Vec::new(), Times::default());
    while let Some(ended) = tasks.join_next().await {
        let (box_number, wire, times) = ended.map_err(|error| format!("A box: {error}."))??;
        wires.push((box_number, wire));
        all.extend(times);
    }
    Ok((wires, all))
}

/// The most memory that the server has meanwhile, in KiB.
async fn watch_memory(measured: &Measured, time: Duration) -> Result<f64, String> {
    let until = Instant::now() + time;
    let mut peak: f64 = 0.0;
    while Instant::now() < until {
        peak = peak.max(measured.processes.resident()?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(peak)
}
