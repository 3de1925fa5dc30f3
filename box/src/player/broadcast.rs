//! What the TV shows now and next: every decision of the player, without a clock, a socket or a file.
//!
//! Something happens at a moment (a page reports, the loop changes, time passes) and [`Broadcast`] says what is to be
//! told to whom. At most two items matter: the one on air and the next one, which is loaded while the first plays.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::item::{Loading, Next, OnAir, Phase, address, prepare};
use super::messages::{FromPage, Safe, ToPage};
use super::order::{first_left, place_of};
use super::quarantine::Quarantine;
use super::{Note, Place, token};
use crate::library::{Clip, ClipKind, Library};

/// Time since the player's start.
pub type Moment = Duration;

/// One connection of a TV page.
pub type PageId = u64;

/// How long a page may take to decode a first picture, and as long again to show it.
pub const READY_WITHIN: Duration = Duration::from_secs(10);
/// How long a video may stand still.
pub const STALLED_AFTER: Duration = Duration::from_secs(10);
/// How long after its end a video is taken to have ended, when nobody says so.
pub const END_MARGIN: Duration = Duration::from_secs(3);
/// The longest pause between two files that fail.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// After so many failures in a row the logo stood there long enough: the safe screen.
pub const FAILURES_IN_A_ROW: u32 = 4;
/// After so many, a last picture stood there long enough: what played to its end before plays once more.
pub const PATIENCE: u32 = 2;
/// When every file is left out, each gets another try after this time: the browser may have been at fault.
pub const RETRY_AFTER: Duration = Duration::from_secs(300);
/// The place on air is told at most this often: who keeps it writes to an SD card.
pub const PLACE_EVERY: Duration = Duration::from_secs(15);
/// No video of a loop is longer, in seconds; what a page says beyond is a mistake.
pub const LONGEST: f64 = 86_400.0;

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Tell this page.
    Tell(PageId, ToPage),
    /// Tell every page.
    TellAll(ToPage),
    /// Tell whoever keeps the box's state.
    Note(Note),
}

/// The state of the loop.
#[derive(Debug, Default)]
pub struct Broadcast {
    library: Arc<Library>,
    /// Where it was before the box was restarted.
    resume: Option<Place>,
    /// The connected pages, the newest last.
    pages: Vec<Page>,
    plays: u64,
    /// The index of the item to try next.
    cursor: usize,
    on_air: Option<OnAir>,
    next: Option<Next>,
    is_safe: bool,
    quarantine: Quarantine,
    /// What last played to its end.
    good: Option<Clip>,
    failures_in_a_row: u32,
    /// Until then nothing new is tried.
    pause: Option<Moment>,
    /// When everything is left out: when it is tried again.
    retry: Option<Moment>,
    place_told: Option<Moment>,
    orders: VecDeque<Order>,
}

#[derive(Debug, Clone, Copy)]
struct Page {
    id: PageId,
    /// Whether it runs on the box itself, as the TV does.
    is_local: bool,
}

impl Broadcast {
    /// Nothing on air yet; it goes on at a place, if that is still in the loop when there is one.
    pub fn new(resume: Option<Place>) -> Self {
        Self { resume, ..Self::default() }
    }

    /// What to do now, in this order.
    pub fn orders(&mut self) -> impl Iterator<Item = Order> {
        self.orders.drain(..)
    }

    /// Where the loop is.
    pub fn place(&self, now: Moment) -> Option<Place> {
        let on_air = self.on_air.as_ref().map(|on_air| (&on_air.clip, on_air.position(now)));
        let current = on_air.or_else(|| self.next.as_ref().map(|next| (&next.clip, next.at)));
        let place = current.map(|(clip, seconds)| Place { key: clip.key.clone(), seconds });
        place.or_else(|| self.resume.clone())
    }

    /// The file behind a token, if it can be asked for: it is in the loop, on air or next.
    pub fn clip(&self, wanted: &str) -> Option<&Clip> {
        let current = [self.on_air.as_ref().map(|on_air| &on_air.clip), self.next.as_ref().map(|next| &next.clip)];
        current.into_iter().flatten().chain(&self.library.clips).find(|clip| token(&clip.key) == wanted)
    }

    /// A page is there. The newest on the box itself leads, else the newest: only its reports count.
    pub fn joined(&mut self, id: PageId, is_local: bool, now: Moment) {
        self.pages.push(Page { id, is_local });
        if self.leader() == Some(id) {
            self.follow(id, now);
        } else {
            self.brief(id, now);
        }
        self.settle(now);
    }

    /// A page is gone.
    pub fn left(&mut self, id: PageId, now: Moment) {
        let leader = self.leader();
        self.pages.retain(|page| page.id != id);
        match self.leader() {
            Some(new) if leader == Some(id) => self.follow(new, now),
            Some(_) => {}
            // Nobody watches: the loop stands still.
            None => self.hold(now),
        }
        self.settle(now);
    }

    /// A page reports.
    pub fn heard(&mut self, id: PageId, report: FromPage, now: Moment) {
        if self.leader() == Some(id) {
            self.take_report(report, now);
            self.settle(now);
        }
    }

    /// The loop changed. What is on air stays there to its end.
    pub fn set_library(&mut self, library: Arc<Library>, now: Moment) {
        let old = std::mem::replace(&mut self.library, library);
        let new = Arc::clone(&self.library);
        if old.clips != new.clips {
            self.move_to(&old.clips, &new.clips);
            self.quarantine.keep_only(&new.clips);
            self.failures_in_a_row = 0;
            (self.pause, self.retry) = (None, None);
            let wanted = self.pick();
            if self.next.as_ref().is_some_and(|next| wanted.is_none_or(|index| new.clips[index] != next.clip)) {
                self.next = None;
            } else if let Some(index) = wanted {
                self.cursor = index;
            }
        }
        let is_told_otherwise = (&old.club_name, &old.language) != (&new.club_name, &new.language)
            || old.clips.is_empty() != new.clips.is_empty();
        if self.is_safe && is_told_otherwise {
            self.is_safe = false;
        }
        self.settle(now);
    }

    /// Time passed: the watchdogs look.
    pub fn tick(&mut self, now: Moment) {
        if self.pages.is_empty() {
            return;
        }
        if self.retry.is_some_and(|retry| retry <= now) {
            self.retry = None;
            self.quarantine.forgive();
        }
        if self.next.as_ref().is_some_and(|next| matches!(next.loading, Loading::Until(until) if until <= now)) {
            self.next_failed("no picture in time", now);
        }
        if let Some(on_air) = &self.on_air {
            match on_air.phase {
                Phase::Asked { until } if until <= now => self.on_air_failed("not shown in time", now),
                Phase::Playing { .. } if on_air.ends().is_some_and(|end| end <= now) => self.on_air_ended(),
                Phase::Playing { moved } if on_air.is_video() && moved + STALLED_AFTER <= now => {
                    self.on_air_failed("stands still", now);
                }
                _ => {}
            }
        }
        self.settle(now);
    }

    /// When time has to be looked at, at the latest.
    pub fn deadline(&self) -> Option<Moment> {
        if self.pages.is_empty() {
            return None;
        }
        let loading = self.next.as_ref().and_then(|next| match next.loading {
            Loading::Until(until) => Some(until),
            Loading::Done { .. } => None,
        });
        let on_air = self.on_air.as_ref().and_then(|on_air| match on_air.phase {
            Phase::Asked { until } => Some(until),
            Phase::Playing { moved } => {
                let stalled = on_air.is_video().then_some(moved + STALLED_AFTER);
                [stalled, on_air.ends()].into_iter().flatten().min()
            }
            Phase::Over => None,
        });
        [loading, on_air, self.pause, self.retry].into_iter().flatten().min()
    }

    fn leader(&self) -> Option<PageId> {
        let newest = |is_local| self.pages.iter().rev().find(|page| page.is_local == is_local);
        newest(true).or_else(|| newest(false)).map(|page| page.id)
    }

    /// Whether the leader is on the box itself. Somebody who looks from afar must not be able to empty the loop.
    fn is_watched_here(&self) -> bool {
        self.pages.iter().any(|page| page.is_local)
    }

    /// Whether this page's reports count.
    pub fn leads(&self, id: PageId) -> bool {
        self.leader() == Some(id)
    }

    fn tell_all(&mut self, message: ToPage) {
        self.orders.push_back(Order::TellAll(message));
    }

    /// From now on this page's reports count. What it has on the screen is not known until it says so.
    fn follow(&mut self, id: PageId, now: Moment) {
        self.hold(now);
        // Another browser may be able to play what the last one could not.
        if self.retry.take().is_some() {
            self.quarantine.forgive();
        }
        if self.on_air.as_ref().is_some_and(|on_air| on_air.phase == Phase::Over) {
            self.on_air = None;
        }
        self.brief(id, now);
        if let Some(next) = &mut self.next {
            // It waits behind the one on air.
            next.loading = Loading::Until(now + READY_WITHIN * 3);
        }
    }

    /// Tells one page what all the others know.
    fn brief(&mut self, id: PageId, now: Moment) {
        let mut messages = Vec::new();
        if let Some(on_air) = &self.on_air {
            messages.push(prepare(on_air.play, &on_air.clip, on_air.position(now)));
            messages.push(ToPage::Show { play: on_air.play });
        }
        if self.is_safe {
            messages.push(self.safe());
        }
        if let Some(next) = &self.next {
            messages.push(prepare(next.play, &next.clip, next.at));
        }
        self.orders.extend(messages.into_iter().map(|message| Order::Tell(id, message)));
    }

    /// The item on air stays where it is until a page says that it shows it.
    fn hold(&mut self, now: Moment) {
        if let Some(on_air) = self.on_air.as_mut().filter(|on_air| on_air.phase != Phase::Over) {
            on_air.at = on_air.position(now);
            on_air.since = now;
            on_air.phase = Phase::Asked { until: now + READY_WITHIN * 2 };
        }
    }

    fn take_report(&mut self, report: FromPage, now: Moment) {
        match report {
            FromPage::Here { url, at } => self.go_on_from(&url, at),
            FromPage::Ready { play, seconds } => {
                let seconds = seconds.map(|seconds| seconds.clamp(0.0, LONGEST));
                if let Some(next) = self.next.as_mut().filter(|next| next.play == play) {
                    next.loading = Loading::Done { seconds };
                } else if let Some(on_air) = self.on_air.as_mut().filter(|on_air| on_air.play == play) {
                    on_air.seconds = on_air.seconds.or(seconds);
                }
            }
            FromPage::Shown { play, at } => {
                if self.is_on_air(play) {
                    self.failures_in_a_row = 0;
                    self.moved(at, now);
                    self.tell_place(now);
                }
                // While the first one was being shown, the page did not load the second.
                if let Some(Loading::Until(until)) = self.next.as_mut().map(|next| &mut next.loading) {
                    *until = now + READY_WITHIN;
                }
            }
            FromPage::Position { play, at } => {
                if self.is_on_air(play) {
                    self.moved(at, now);
                    self.tell_place(now);
                }
            }
            FromPage::Ended { play } => {
                if self.is_on_air(play) {
                    self.on_air_ended();
                }
            }
            FromPage::Failed { play, reason } => {
                if self.next.as_ref().is_some_and(|next| next.play == play) {
                    self.next_failed(&reason, now);
                } else if self.is_on_air(play) {
                    self.on_air_failed(&reason, now);
                }
            }
        }
    }

    /// A box that was just started takes over what the TV shows already: its own memory may be some seconds old.
    fn go_on_from(&mut self, url: &str, at: f64) {
        let is_it = |clip: &Clip| address(clip) == url;
        // Asked for already, it may be taken over by now; asked for again it would be loaded again.
        if self.on_air.is_some() || self.is_safe || self.next.as_ref().is_some_and(|next| is_it(&next.clip)) {
            return;
        }
        if let Some(index) = self.library.clips.iter().position(is_it) {
            self.cursor = index;
            self.resume = Some(Place { key: self.library.clips[index].key.clone(), seconds: at });
            self.next = None;
        }
    }

    fn is_on_air(&self, play: u64) -> bool {
        self.on_air.as_ref().is_some_and(|on_air| on_air.play == play && on_air.phase != Phase::Over)
    }

    fn moved(&mut self, at: f64, now: Moment) {
        let Some(on_air) = &mut self.on_air else { return };
        let at = at.clamp(0.0, LONGEST);
        let stood = match on_air.phase {
            Phase::Playing { moved } if at <= on_air.at => moved,
            _ => now,
        };
        // The seconds of an image are counted here and not by the page.
        if on_air.is_video() || !matches!(on_air.phase, Phase::Playing { .. }) {
            (on_air.at, on_air.since) = (at, now);
        }
        on_air.phase = Phase::Playing { moved: stood };
    }

    fn tell_place(&mut self, now: Moment) {
        if self.place_told.is_none_or(|told| told + PLACE_EVERY <= now)
            && let Some(place) = self.place(now)
        {
            self.place_told = Some(now);
            self.orders.push_back(Order::Note(Note::Place(place)));
        }
    }

    fn on_air_ended(&mut self) {
        let Some(on_air) = &mut self.on_air else { return };
        on_air.phase = Phase::Over;
        let clip = on_air.clip.clone();
        self.good = Some(clip.clone());
        if self.is_watched_here() && self.quarantine.succeed(&clip) {
            self.orders.push_back(Order::Note(Note::Playable { key: clip.key }));
        }
    }

    fn on_air_failed(&mut self, reason: &str, now: Moment) {
        let Some(on_air) = &mut self.on_air else { return };
        on_air.phase = Phase::Over;
        let clip = on_air.clip.clone();
        self.failed(&clip, reason, now);
    }

    fn next_failed(&mut self, reason: &str, now: Moment) {
        if let Some(next) = self.next.take() {
            self.cursor += 1;
            self.failed(&next.clip, reason, now);
        }
    }

    fn failed(&mut self, clip: &Clip, reason: &str, now: Moment) {
        if self.is_watched_here() && self.quarantine.fail(clip) {
            let note = Note::Unplayable { key: clip.key.clone(), reason: reason.to_owned() };
            self.orders.push_back(Order::Note(note));
        }
        self.failures_in_a_row += 1;
        // None, 250 ms, 500 ms, 1 s, 2 s, 2 s …
        let doublings = self.failures_in_a_row.saturating_sub(2).min(8);
        if self.failures_in_a_row > 1 {
            self.pause = Some(now + (Duration::from_millis(250) * 2_u32.pow(doublings)).min(LONGEST_PAUSE));
        }
    }

    /// Brings the cursor, and the place of the item on air, over to another list.
    fn move_to(&mut self, old: &[Clip], new: &[Clip]) {
        if let Some(place) = self.resume.take_if(|_| !new.is_empty()) {
            if let Some(index) = place_of(&place.key, 0, new) {
                self.cursor = index;
                self.resume = Some(place);
            }
            return;
        }
        let around = self.on_air.as_ref().and_then(|on_air| Some((on_air.index?, &on_air.clip.key)));
        let place = around.and_then(|(index, key)| place_of(key, index, new));
        self.cursor = match (place, around) {
            (Some(index), _) => index + 1,
            (None, Some((index, _))) => first_left(old, index + 1, new),
            (None, None) => first_left(old, self.cursor, new),
        };
        if let Some(on_air) = &mut self.on_air {
            on_air.index = place;
        }
    }

    /// The index of the next item that can be played.
    fn pick(&self) -> Option<usize> {
        let clips = &self.library.clips;
        let mut in_order = (0..clips.len()).map(|step| (self.cursor + step) % clips.len());
        in_order.find(|index| !self.quarantine.holds(&clips[*index]))
    }

    /// Does what can be done now: load, show, or say that there is nothing.
    fn settle(&mut self, now: Moment) {
        if self.pages.is_empty() {
            return;
        }
        self.pause = self.pause.filter(|pause| *pause > now);
        if self.next.is_none() && self.failures_in_a_row >= PATIENCE {
            self.repeat();
        }
        let waits_for_a_picture =
            self.on_air.as_ref().is_some_and(|on_air| matches!(on_air.phase, Phase::Asked { .. }));
        if self.next.is_none() && self.pause.is_none() && !waits_for_a_picture {
            self.prepare_next(now);
        }
        if self.on_air.as_ref().is_some_and(|on_air| on_air.phase != Phase::Over) {
            return;
        }
        if let Some(Next { loading: Loading::Done { seconds }, .. }) = self.next {
            self.show_next(seconds, now);
        } else if self.pick().is_none() || self.failures_in_a_row >= FAILURES_IN_A_ROW {
            self.show_safe(now);
        }
    }

    /// Goes back to what last played to its end: what stands behind it was broken.
    fn repeat(&mut self) {
        let stands = self.on_air.as_ref().is_some_and(|on_air| on_air.phase == Phase::Over);
        let Some(good) = self.good.as_ref().filter(|good| stands && !self.quarantine.holds(good)) else { return };
        if let Some(index) = place_of(&good.key, self.cursor, &self.library.clips) {
            self.cursor = index;
            self.pause = None;
        }
    }

    fn prepare_next(&mut self, now: Moment) {
        let Some(index) = self.pick() else { return };
        let clip = self.library.clips[index].clone();
        let resumed = self.resume.take().filter(|place| place.key == clip.key);
        let at = resumed.map_or(0.0, |place| place.seconds.clamp(0.0, LONGEST));
        self.cursor = index;
        self.plays += 1;
        self.tell_all(prepare(self.plays, &clip, at));
        self.next = Some(Next { play: self.plays, clip, at, loading: Loading::Until(now + READY_WITHIN) });
    }

    fn show_next(&mut self, seconds: Option<f64>, now: Moment) {
        let Some(Next { play, clip, at, .. }) = self.next.take() else { return };
        let seconds = match clip.kind {
            ClipKind::Video => seconds,
            ClipKind::Image { seconds } => Some(f64::from(seconds.max(1))),
        };
        let phase = Phase::Asked { until: now + READY_WITHIN };
        self.on_air = Some(OnAir { play, clip, index: Some(self.cursor), at, since: now, seconds, phase });
        self.cursor += 1;
        (self.is_safe, self.retry) = (false, None);
        self.tell_all(ToPage::Show { play });
    }

    fn show_safe(&mut self, now: Moment) {
        if self.retry.is_none() && self.pick().is_none() && !self.library.clips.is_empty() {
            self.retry = Some(now + RETRY_AFTER);
        }
        if !self.is_safe {
            self.is_safe = true;
            self.on_air = None;
            let safe = self.safe();
            self.tell_all(safe);
        }
    }

    fn safe(&self) -> ToPage {
        let language = match self.library.language.as_deref() {
            Some("en") => "en",
            Some("es") => "es",
            _ => "fr",
        };
        ToPage::Safe(Safe { club: self.library.club_name.clone(), language, empty: self.library.clips.is_empty() })
    }
}
