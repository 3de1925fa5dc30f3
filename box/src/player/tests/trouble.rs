//! Evenings on which something goes wrong.

use std::time::Duration;

use super::{Evening, TV, library, seconds};
use crate::player::Note;
use crate::player::broadcast::{
    Broadcast, END_MARGIN, FAILURES_IN_A_ROW, LONGEST_PAUSE, Order, READY_WITHIN, RETRY_AFTER, STALLED_AFTER,
};
use crate::player::messages::{FromPage, Prepare, ToPage};

#[test]
fn a_broken_file_is_skipped_and_after_its_second_failure_left_out() {
    let mut evening = Evening::new("axb");
    evening.broken = "x";
    evening.join();
    evening.end();
    assert_eq!((evening.history.as_str(), evening.unplayable().len()), ("ab", 0), "once can be a mishap");
    evening.ends(5);
    assert_eq!(evening.history, "abababa");
    assert_eq!(evening.unplayable(), ["x"], "said once");
    let tries = evening.prepared.iter().filter(|prepare| evening.key_of(&prepare.url) == "x").count();
    assert_eq!(tries, 2);
}

#[test]
fn that_a_file_plays_is_told_once_and_again_after_a_failure() {
    let playable =
        |evening: &Evening| evening.notes.iter().filter(|note| matches!(note, Note::Playable { .. })).count();
    let mut evening = Evening::with_tv("ab");
    evening.ends(6);
    assert_eq!(playable(&evening), 2, "a and b");
    evening.fail();
    evening.ends(4);
    assert_eq!(playable(&evening), 3, "the one that had failed");
}

#[test]
fn a_file_gets_another_chance_when_the_library_takes_it_out_and_in_again() {
    let mut evening = Evening::new("ax");
    evening.broken = "x";
    evening.join();
    evening.ends(3);
    assert_eq!(evening.unplayable(), ["x"]);
    evening.broken = "";
    evening.change("axb");
    evening.ends(3);
    assert!(!evening.history.contains('x'), "other changes do not concern it");
    evening.change("ab");
    evening.change("axb");
    evening.ends(3);
    assert!(evening.history.contains('x'));
}

#[test]
fn a_file_that_breaks_in_the_middle_gives_way_and_counts_as_broken() {
    let mut evening = Evening::with_tv("ab");
    evening.fail();
    assert_eq!(evening.history, "ab");
    evening.end();
    evening.fail();
    assert_eq!((evening.history.as_str(), evening.unplayable()), ("abab", vec!["a"]));
}

#[test]
fn a_loop_of_broken_files_does_not_spin_and_ends_at_the_safe_screen() {
    let mut evening = Evening::new("xyz");
    evening.broken = "xyz";
    evening.join();
    evening.wait(seconds(60));
    assert_eq!(evening.history, "-");
    assert_eq!(evening.safe.as_ref().map(|safe| safe.empty), Some(false), "there are files, so none is asked for");
    assert_eq!((evening.prepared.len(), evening.unplayable().len()), (6, 3), "each was tried twice");
    // The browser may have been at fault.
    evening.wait(RETRY_AFTER);
    assert_eq!((evening.prepared.len(), evening.unplayable().len()), (9, 3), "tried once more, and not told again");
    evening.broken = "";
    evening.wait(RETRY_AFTER);
    assert!(evening.history.starts_with("-xyz"), "{}", evening.history);
}

#[test]
fn among_broken_files_the_good_one_is_repeated() {
    let mut evening = Evening::new("auvwxyz");
    evening.broken = "uvwxyz";
    evening.join();
    evening.ends(12);
    assert_eq!(evening.history, "a".repeat(13));
    assert_eq!(evening.unplayable().len(), 6);
    evening.change("auvwxyzb");
    evening.ends(2);
    assert_eq!(evening.history, format!("{}ba", "a".repeat(13)));
}

#[test]
fn a_file_that_breaks_in_the_middle_is_no_good_one() {
    let mut evening = Evening::new("atvwxyz");
    evening.broken = "vwxyz";
    evening.join();
    for _ in 0..20 {
        if evening.seen.as_ref().is_some_and(|(key, _)| key == "t") { evening.fail() } else { evening.end() }
    }
    assert!(evening.history.starts_with("ata"), "{}", evening.history);
    assert!(evening.history.ends_with("aaaa") && !evening.history.contains('-'), "{}", evening.history);
}

#[test]
fn another_browser_gets_every_file_at_once() {
    let mut evening = Evening::new("xy");
    evening.broken = "xy";
    evening.join();
    evening.wait(seconds(60));
    assert_eq!(evening.history, "-");
    evening.broken = "";
    evening.broadcast.left(TV, evening.now);
    evening.join();
    assert!(evening.seen.is_some(), "not after five minutes");
}

#[test]
fn failures_in_a_row_are_spread() {
    let mut evening = Evening::new("rstuvwxyz");
    evening.broken = "rstuvwxyz";
    evening.join();
    assert_eq!(evening.prepared.len(), 2, "the second is tried at once");
    evening.wait(seconds(10));
    let tries = u32::try_from(evening.prepared.len()).expect("few");
    assert!((5..=9).contains(&tries), "{tries}");
    assert!(LONGEST_PAUSE * 18 > seconds(30));
    assert_eq!(evening.history, "-", "after {FAILURES_IN_A_ROW} of them nobody looks at a logo");
}

#[test]
fn a_page_that_decodes_nothing_is_not_waited_for() {
    let mut evening = Evening::with_tv("a~b");
    evening.end();
    evening.wait(READY_WITHIN - Duration::from_millis(1));
    assert_eq!(evening.history, "a");
    evening.wait(Duration::from_millis(1));
    assert_eq!(evening.history, "ab");
}

#[test]
fn an_end_that_nobody_tells_comes_all_the_same() {
    let mut evening = Evening::with_tv("ab");
    for second in 1..=8 {
        evening.wait(seconds(1));
        evening.position(f64::from(second));
    }
    evening.wait(END_MARGIN);
    assert_eq!((evening.history.as_str(), evening.unplayable().len()), ("ab", 0));
}

#[test]
fn a_video_that_stands_still_gives_way() {
    let mut evening = Evening::with_tv("ab");
    evening.say(FromPage::Ready { play: 1, seconds: None });
    for _ in 0..STALLED_AFTER.as_secs() {
        evening.position(3.0);
        assert_eq!(evening.history, "a");
        evening.wait(seconds(1));
    }
    assert_eq!(evening.history, "ab");
}

#[test]
fn who_looks_from_afar_cannot_empty_the_loop() {
    let mut broadcast = Broadcast::new(None);
    broadcast.set_library(library("ab"), Duration::ZERO);
    broadcast.joined(2, false, Duration::ZERO);
    let mut notes = 0;
    for second in 0..600 {
        let now = seconds(second);
        for order in broadcast.orders().collect::<Vec<_>>() {
            match order {
                Order::TellAll(ToPage::Prepare(Prepare { play, .. })) => {
                    broadcast.heard(2, FromPage::Failed { play, reason: "no".into() }, now);
                }
                Order::Note(_) => notes += 1,
                _ => {}
            }
        }
        broadcast.tick(now);
    }
    assert_eq!(notes, 0);
    broadcast.left(2, seconds(600));
    broadcast.joined(TV, true, seconds(600));
    let told: Vec<Order> = broadcast.orders().collect();
    assert!(
        told.iter()
            .any(|order| matches!(order, Order::TellAll(ToPage::Prepare(_)) | Order::Tell(TV, ToPage::Prepare(_))))
    );
}

/// A small generator of numbers that look random, the same ones each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn whatever_happened_a_good_page_shows_something_soon() {
    const LOOPS: [&str; 7] = ["abc", "a", "", "aBc", "xab", "abcdeF", "Bx"];
    for seed in 1..400 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut evening = Evening::new("abc");
        let mut pages = Vec::new();
        for _ in 0..200 {
            let play = dice.roll(evening.prepared.len() as u64 + 2);
            evening.broken = ["", "x", "xa", "abc"][dice.roll(4) as usize];
            evening.deaf = dice.roll(3) == 0;
            match dice.roll(10) {
                0 => evening.change(LOOPS[dice.roll(7) as usize]),
                1 => {
                    let id = dice.roll(4);
                    if !pages.contains(&id) {
                        pages.push(id);
                        evening.broadcast.joined(id, dice.roll(2) == 0, evening.now);
                        evening.obey();
                    }
                }
                2 => {
                    pages.pop().into_iter().for_each(|id| evening.broadcast.left(id, evening.now));
                    evening.obey();
                }
                3 => evening.say(FromPage::Ended { play }),
                4 => evening.say(FromPage::Failed { play, reason: "dice".into() }),
                5 => evening.say(FromPage::Ready { play, seconds: Some(dice.roll(20) as f64) }),
                6 => evening.say(FromPage::Shown { play, at: dice.roll(20) as f64 }),
                7 => evening.say(FromPage::Position { play, at: dice.roll(20) as f64 }),
                _ => evening.wait(Duration::from_millis(dice.roll(20_000))),
            }
        }
        pages.into_iter().for_each(|id| evening.broadcast.left(id, evening.now));
        evening.obey();
        (evening.broken, evening.deaf) = ("", false);
        evening.change("bcd");
        evening.history.clear();
        evening.join();
        evening.wait(READY_WITHIN * 4);
        // Had everything been given up, it would be tried again.
        if evening.seen.is_none() {
            evening.wait(RETRY_AFTER);
        }
        evening.history.clear();
        evening.ends(20);
        assert_eq!(evening.history.len(), 20, "{seed}: {}", evening.history);
    }
}

#[test]
fn the_page_on_the_box_leads_and_others_only_look() {
    let mut evening = Evening::with_tv("abc");
    evening.broadcast.joined(2, false, evening.now);
    let told: Vec<Order> = evening.broadcast.orders().collect();
    assert_eq!(told.len(), 3, "what is on air, that it is, and what is next");
    assert!(told.iter().all(|order| matches!(order, Order::Tell(2, _))));
    let play = evening.play();
    evening.broadcast.heard(2, FromPage::Failed { play, reason: "mine".into() }, evening.now);
    evening.broadcast.heard(2, FromPage::Ended { play }, evening.now);
    evening.obey();
    assert_eq!(evening.history, "a");
    evening.broadcast.left(TV, evening.now);
    evening.broadcast.heard(2, FromPage::Shown { play, at: 1.0 }, evening.now);
    evening.broadcast.heard(2, FromPage::Ended { play }, evening.now);
    evening.broadcast.heard(2, FromPage::Ready { play: play + 1, seconds: None }, evening.now);
    let told: Vec<Order> = evening.broadcast.orders().collect();
    assert!(told.contains(&Order::TellAll(ToPage::Show { play: play + 1 })), "with the TV gone, the other one leads");
}

#[test]
fn absurd_reports_do_no_harm() {
    let mut evening = Evening::with_tv("ab");
    let play = evening.play();
    for at in [-1.0, f64::MAX, f64::INFINITY, 1e300] {
        evening.say(FromPage::Position { play, at });
        evening.say(FromPage::Ready { play: play + 1, seconds: Some(at) });
    }
    evening.say(FromPage::Ended { play: u64::MAX });
    assert_eq!(evening.history, "a");
    evening.end();
    evening.wait(seconds(1));
    assert!(evening.history.starts_with("ab"));
}
