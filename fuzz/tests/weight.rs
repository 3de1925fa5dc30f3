//! That the weight of a JSON text is at least what it takes, measured: texts that are as heavy as they may be.

use neopro_central::live::packet;
use neopro_fuzz::memory;
use neopro_protocol::weight::{FAIR, FREE};

/// One test alone in its program: what memory is held at a time is counted for the whole process.
#[test]
fn a_packet_takes_no_more_than_its_fair_share() {
    let members: String = ('a'..='z').map(|name| format!("\"{name}\":0,")).collect();
    let many_members = format!("{{{members}\"\":0}},");
    let (mut refused, mut read) = (0, 0);
    for unit in [r#"{"":0},"#, r#"{"a":{"b":{}}},"#, "0,", "[],", "[0],", "[0,0,0,0,0],", "\"\",", &many_members] {
        // From the densest to one that is read, by blanks behind each value.
        let mut blanks = 0;
        loop {
            let piece = format!("{unit}{}", " ".repeat(blanks));
            let text = format!("42[\"a\",{}0]", piece.repeat(1_500_000 / piece.len()));
            let outcome = memory::within(FREE + FAIR * text.len(), || packet::read(&text));
            if outcome.is_ok() {
                read += 1;
                break;
            }
            refused += 1;
            blanks += 1 + blanks / 16;
        }
    }
    assert_eq!(read, 8);
    assert!(refused > 50, "{refused}");
}
