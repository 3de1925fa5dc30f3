//! What was measured, how it is judged, and how it is shown.

use serde_json::{Value, json};

/// Which of the measured values is compared with the goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// Times: one hiccup of the machine is not ours.
    Median,
    /// Counts: they do not depend on the machine.
    Worst,
}

/// What a figure is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Smaller is better.
    AtMost(f64),
    /// Larger is better.
    AtLeast(f64),
}

/// A figure with everything measured for it.
pub struct Figure {
    pub name: String,
    unit: &'static str,
    judged: Judged,
    goal: Option<Goal>,
    values: Vec<f64>,
}

impl Figure {
    /// Smaller is better.
    pub fn new(name: impl Into<String>, unit: &'static str, judged: Judged, goal: Option<f64>) -> Self {
        Self { name: name.into(), unit, judged, goal: goal.map(Goal::AtMost), values: Vec::new() }
    }

    /// Larger is better.
    pub fn rate(name: impl Into<String>, unit: &'static str, judged: Judged, goal: Option<f64>) -> Self {
        Self { name: name.into(), unit, judged, goal: goal.map(Goal::AtLeast), values: Vec::new() }
    }

    /// The same with its values.
    pub fn with(mut self, values: impl IntoIterator<Item = f64>) -> Self {
        self.values.extend(values);
        self
    }

    pub fn add(&mut self, value: f64) {
        self.values.push(value);
    }

    fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn worst(&self) -> f64 {
        // What could not be measured is the worst of all.
        let worse = match self.goal {
            Some(Goal::AtLeast(_)) => |a: f64, b: f64| if b < a || b.is_nan() { b } else { a },
            Some(Goal::AtMost(_)) | None => |a: f64, b: f64| if b > a || b.is_nan() { b } else { a },
        };
        self.values.iter().copied().reduce(worse).unwrap_or(f64::NAN)
    }

    /// Whether the goal is reached, if there is one. Nothing measured reaches nothing.
    pub fn is_met(&self) -> bool {
        let judged = match self.judged {
            Judged::Median => self.median(),
            Judged::Worst => self.worst(),
        };
        match self.goal {
            None => true,
            Some(Goal::AtMost(goal)) => judged <= goal,
            Some(Goal::AtLeast(goal)) => judged >= goal,
        }
    }

    fn row(&self) -> [String; 5] {
        let shown = |value: f64| format!("{} {}", short(value), self.unit).trim_end().to_owned();
        let which = if self.judged == Judged::Median { "median" } else { "worst" };
        let goal = self.goal.map(|goal| match goal {
            Goal::AtMost(goal) => format!("{which} ≤ {goal}"),
            Goal::AtLeast(goal) => format!("{which} ≥ {goal}"),
        });
        let judgement = judgement(goal.is_some(), self.is_met());
        [self.name.clone(), shown(self.median()), shown(self.worst()), goal.unwrap_or_default(), judgement.to_owned()]
    }
}

/// How the cost of one unit grows with the size of the fleet. Linear is a cost that stays the same.
pub struct Growth {
    pub name: String,
    unit: &'static str,
    /// By size, the smallest first.
    costs: Vec<(usize, f64)>,
}

/// By how much a cost may grow from one size to the next: the noise of such a machine.
const NOISE: f64 = 1.3;

impl Growth {
    pub fn new(name: impl Into<String>, unit: &'static str, costs: Vec<(usize, f64)>) -> Self {
        Self { name: name.into(), unit, costs }
    }

    /// The largest factor from one size to the next; not a number if something was not measured.
    fn factor(&self) -> f64 {
        let steps = self.costs.windows(2).map(|pair| pair[1].1 / pair[0].1);
        steps.reduce(|a, b| if b > a || b.is_nan() { b } else { a }).unwrap_or(f64::NAN)
    }

    pub fn is_met(&self) -> bool {
        self.factor() <= NOISE
    }

    fn row(&self) -> [String; 5] {
        let costs: Vec<String> = self.costs.iter().map(|(_, cost)| short(*cost)).collect();
        let (name, costs) = (self.name.clone(), format!("{} {}", costs.join(" → "), self.unit));
        let judgement = judgement(true, self.is_met()).to_owned();
        [name, costs, format!("× {}", short(self.factor())), format!("≤ {NOISE}"), judgement]
    }
}

/// All that a part has measured.
#[derive(Default)]
pub struct Measured {
    pub figures: Vec<Figure>,
    pub growth: Vec<Growth>,
}

impl Measured {
    pub fn extend(&mut self, other: Self) {
        self.figures.extend(other.figures);
        self.growth.extend(other.growth);
    }

    /// The names of those whose goals are missed.
    pub fn missed(&self) -> Vec<&str> {
        let figures = self.figures.iter().filter(|figure| !figure.is_met()).map(|figure| figure.name.as_str());
        figures.chain(self.growth.iter().filter(|growth| !growth.is_met()).map(|growth| growth.name.as_str())).collect()
    }

    /// As text.
    pub fn table(&self) -> String {
        let head = ["figure", "median", "worst", "goal", ""].map(str::to_owned);
        let mut rows = vec![head];
        rows.extend(self.figures.iter().map(Figure::row));
        let mut tables = aligned(&rows);
        if !self.growth.is_empty() {
            let head = ["cost of each, from 100 to 1,000 to 13,000", "", "largest step", "goal", ""].map(str::to_owned);
            let mut rows = vec![head];
            rows.extend(self.growth.iter().map(Growth::row));
            tables = format!("{tables}\n\n{}", aligned(&rows));
        }
        tables
    }

    /// For a program that compares.
    pub fn json(&self) -> (Value, Value) {
        let figures = self.figures.iter().map(|figure| {
            let goal = figure.goal.map(|goal| match goal {
                Goal::AtMost(goal) => json!({ "at_most": goal }),
                Goal::AtLeast(goal) => json!({ "at_least": goal }),
            });
            json!({
                "name": figure.name, "unit": figure.unit, "goal": goal, "met": figure.is_met(),
                "median": figure.median(), "worst": figure.worst(), "values": figure.values,
            })
        });
        let growth = self.growth.iter().map(|growth| {
            let costs: Vec<Value> =
                growth.costs.iter().map(|(size, cost)| json!({ "size": size, "cost": cost })).collect();
            json!({
                "name": growth.name, "unit": growth.unit, "costs": costs,
                "largest_step": growth.factor(), "goal": { "at_most": NOISE }, "met": growth.is_met(),
            })
        });
        (figures.collect(), growth.collect())
    }
}

fn judgement(has_goal: bool, is_met: bool) -> &'static str {
    match (has_goal, is_met) {
        (false, _) => "",
        (true, true) => "met",
        (true, false) => "MISSED",
    }
}

/// Columns as wide as their widest entry.
fn aligned(rows: &[[String; 5]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3].map(width);
    let lines = rows.iter().map(|[name, one, other, goal, judgement]| {
        let [a, b, c, d] = widths;
        format!("{name:<a$}  {one:>b$}  {other:>c$}   {goal:<d$}  {judgement}").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Three digits that say something.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        _ if value == value.trunc() && value.abs() < 1e6 => 0,
        large if large >= 100.0 => 0,
        large if large >= 10.0 => 1,
        small if small >= 1.0 => 2,
        small if small >= 0.1 => 3,
        _ => 4,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(judged: Judged, goal: f64, values: &[f64]) -> Figure {
        Figure::new("a", "ms", judged, Some(goal)).with(values.iter().copied())
    }

    #[test]
    fn times_are_judged_by_the_median_and_counts_by_the_worst() {
        assert!(figure(Judged::Median, 5.0, &[9.0, 1.0, 5.0]).is_met());
        assert!(!figure(Judged::Worst, 5.0, &[9.0, 1.0, 5.0]).is_met());
        assert!(!figure(Judged::Median, 5.0, &[9.0, 1.0, 5.1]).is_met());
        assert!(!figure(Judged::Median, 5.0, &[]).is_met());
        assert!(!figure(Judged::Worst, 5.0, &[1.0, f64::NAN]).is_met(), "what was not measured reaches nothing");
        assert!(Figure::new("a", "", Judged::Worst, None).is_met());
        let rate = |values: &[f64]| Figure::rate("r", "/s", Judged::Worst, Some(5.0)).with(values.iter().copied());
        assert!(rate(&[9.0, 5.0]).is_met());
        assert!(!rate(&[9.0, 4.0]).is_met());
    }

    #[test]
    fn a_cost_that_grows_from_one_size_to_the_next_is_worse_than_linear() {
        let growth = |costs: [f64; 3]| Growth::new("g", "ms", [100, 1_000, 13_000].into_iter().zip(costs).collect());
        assert!(growth([1.0, 0.5, 0.6]).is_met(), "within the noise");
        assert!(!growth([9.0, 0.5, 0.7]).is_met(), "the last step counts for itself");
        assert!(!growth([1.0, f64::NAN, 0.1]).is_met());
    }

    #[test]
    fn the_tables_say_which_goals_are_missed() {
        let measured = Measured {
            figures: vec![figure(Judged::Worst, 5.0, &[6.0])],
            growth: vec![Growth::new("g", "ms", vec![(100, 1.0), (1_000, 2.0)])],
        };
        let table = measured.table();
        assert!(table.contains("worst ≤ 5  MISSED"), "{table}");
        assert!(table.contains("1 → 2 ms") && table.ends_with("≤ 1.3  MISSED"), "{table}");
        assert_eq!(measured.missed(), ["a", "g"]);
        assert_eq!(
            ["0.0512", "1.23", "1234", "7"],
            [0.051_234, 1.2345, 1234.4, 7.0].map(short).each_ref().map(String::as_str)
        );
    }
}
