//! What a simulated box measures of itself. The figures move as those of a machine do: each box has its own level, they
//! swing slowly around it, and the processor warms the box.

use std::f64::consts::TAU;

use serde_json::{Value, json};

use super::{Fault, Site, Trouble};

/// The room of the card that it pretends to have.
pub(super) const CARD: u64 = 32_000_000_000;

/// How the machine of one box is.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    /// Percent of the processor when it only plays.
    idle: f64,
    /// Percent of the memory.
    memory: f64,
    /// Degrees of the cupboard that it stands in.
    room: f64,
    /// Where it stands in its swing when the epoch begins, from 0 to 1.
    phase: f64,
    /// Seconds of one swing.
    swing: f64,
    /// Bytes of the card that are not ours.
    taken: u64,
    /// Seconds that it had been on when its life here began.
    pub born_seconds: u64,
}

impl Machine {
    /// The machine of a site's box.
    pub fn of(site: &Site, trouble: &Trouble) -> Self {
        let between = |name, low, high| trouble.between(name, site.id, "birth", low, high);
        let taken = match site.fault {
            Some(Fault::DiskFull) => between("card", 0.985, 0.995),
            _ => between("card", 0.18, 0.55),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and small")]
        let whole = |number: f64| number as u64;
        Self {
            idle: between("cpu", 7.0, 24.0),
            memory: between("memory", 31.0, 54.0),
            room: between("room", 36.0, 48.0),
            phase: between("phase", 0.0, 1.0),
            swing: between("swing", 600.0, 2_400.0),
            #[expect(clippy::cast_precision_loss, reason = "a round number")]
            taken: whole(CARD as f64 * taken),
            born_seconds: whole(between("uptime", 3_600.0, 3_000_000.0)),
        }
    }

    /// Bytes of the card that are in use, with so many of our files.
    pub fn used_bytes(&self, files: u64) -> u64 {
        (self.taken + files).min(CARD)
    }

    /// The figures at a moment in milliseconds: percents, and degrees Celsius.
    pub fn figures(&self, unix_millis: i64, is_downloading: bool, files: u64) -> Value {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let (seconds, used, card) = (unix_millis as f64 / 1000.0, self.used_bytes(files) as f64, CARD as f64);
        // Two swings that never meet look like life and not like a clock.
        let wave = |share: f64| ((seconds / (self.swing * share) + self.phase).fract() * TAU).sin();
        let (slow, quick) = (wave(1.0), wave(0.137));
        let work = if is_downloading { 22.0 } else { 0.0 };
        let cpu = self.idle + 3.5 * slow + 2.5 * quick + work;
        let memory = self.memory + 2.0 * slow + 0.6 * quick + work / 8.0;
        let temperature = self.room + 0.45 * cpu + 1.5 * slow;
        let rounded = |number: f64| (number * 10.0).round() / 10.0;
        json!({
            "cpu": rounded(cpu),
            "memory": rounded(memory),
            "temperature": rounded(temperature),
            "disk": rounded(used * 100.0 / card),
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn machine(number: u128, fault: Option<Fault>) -> Machine {
        let site = Site { id: Uuid::from_u128(number), key: "k".into(), fault };
        Machine::of(&site, &Trouble { seed: "a".into(), ..Trouble::default() })
    }

    fn figure(figures: &Value, name: &str) -> f64 {
        figures[name].as_f64().unwrap_or_else(|| panic!("{name}: {figures}"))
    }

    #[test]
    fn the_figures_are_those_of_a_machine_that_is_well() {
        for (number, day) in (0..200).flat_map(|number| (0..24).map(move |hour| (number, hour * 3_601_000))) {
            let figures = machine(number, None).figures(1_790_000_000_000 + day, day % 2 == 0, 40_000_000);
            for (name, low, high) in
                [("cpu", 0.5, 53.0), ("memory", 28.0, 60.0), ("temperature", 37.0, 73.9), ("disk", 18.0, 56.0)]
            {
                let value = figure(&figures, name);
                assert!((low..=high).contains(&value), "{name} of {number} at {day}: {value}");
            }
        }
    }

    #[test]
    fn they_move_slowly_and_every_box_has_its_own() {
        let one = machine(1, None);
        let cpu = |machine: &Machine, seconds: i64| figure(&machine.figures(seconds * 1000, false, 0), "cpu");
        let day: Vec<f64> = (0..2880).map(|beat| cpu(&one, beat * 30)).collect();
        let steps = day.windows(2).map(|pair| (pair[0] - pair[1]).abs());
        assert!(steps.fold(0.0, f64::max) < 8.0, "no jump from one heartbeat to the next");
        let (low, high) = day.iter().fold((f64::MAX, f64::MIN), |(low, high), cpu| (cpu.min(low), cpu.max(high)));
        assert!(high - low > 6.0, "they are alive: {low} to {high}");
        assert_ne!(cpu(&one, 0), cpu(&machine(2, None), 0));
        assert!(figure(&one.figures(0, true, 0), "cpu") > cpu(&one, 0) + 20.0, "a download is work");
    }

    #[test]
    fn a_full_card_is_full() {
        for number in 0..100 {
            let full = machine(number, Some(Fault::DiskFull));
            assert!(figure(&full.figures(0, false, 0), "disk") > 98.0);
            assert!(CARD - full.used_bytes(0) < 500_000_000);
            assert_eq!(full.used_bytes(CARD), CARD, "no more than there is");
        }
    }
}
