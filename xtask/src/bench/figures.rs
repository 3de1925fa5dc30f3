//! What was measured, how it is judged, and how it is shown.

use serde_json::{Value, json};

/// Which of the measured values is compared with the goal.
pub enum Judged {
    /// Times: one hiccup of the machine is not ours.
    Median,
    /// Counts: they do not depend on the machine.
    Worst,
}

/// A figure with everything measured for it. Smaller is better.
pub struct Figure {
    pub name: &'static str,
    unit: &'static str,
    judged: Judged,
    goal: Option<f64>,
    values: Vec<f64>,
}

impl Figure {
    pub fn new(name: &'static str, unit: &'static str, judged: Judged, goal: Option<f64>) -> Self {
        Self { name, unit, judged, goal, values: Vec::new() }
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
        self.values.iter().copied().fold(f64::NAN, f64::max)
    }

    /// Whether the goal is reached, if there is one. Nothing measured reaches nothing.
    pub fn is_met(&self) -> bool {
        let judged = match self.judged {
            Judged::Median => self.median(),
            Judged::Worst => self.worst(),
        };
        self.goal.is_none_or(|goal| judged <= goal)
    }

    fn row(&self) -> [String; 5] {
        let shown =
            |value: f64| if self.unit.is_empty() { format!("{value}") } else { format!("{value:.1} {}", self.unit) };
        let judgement = match (self.goal, self.is_met()) {
            (None, _) => "",
            (Some(_), true) => "met",
            (Some(_), false) => "MISSED",
        };
        let goal = self.goal.map(|goal| match self.judged {
            Judged::Median => format!("median ≤ {goal}"),
            Judged::Worst => format!("worst ≤ {goal}"),
        });
        [
            self.name.to_owned(),
            shown(self.median()),
            shown(self.worst()),
            goal.unwrap_or_default(),
            judgement.to_owned(),
        ]
    }
}

/// The figures as a text table.
pub fn table(figures: &[Figure]) -> String {
    let head = ["figure", "median", "worst", "goal", ""].map(str::to_owned);
    let rows = std::iter::once(head).chain(figures.iter().map(Figure::row));
    let lines = rows.map(|[name, median, worst, goal, judgement]| {
        format!("{name:<28}{median:>12}{worst:>12}   {goal:<14} {judgement}").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The figures for a program that compares.
pub fn json(figures: &[Figure]) -> Value {
    let each = figures.iter().map(|figure| {
        json!({
            "name": figure.name, "unit": figure.unit, "goal": figure.goal, "met": figure.is_met(),
            "median": figure.median(), "worst": figure.worst(), "values": figure.values,
        })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(judged: Judged, goal: f64, values: &[f64]) -> Figure {
        Figure { name: "a", unit: "ms", judged, goal: Some(goal), values: values.to_vec() }
    }

    #[test]
    fn times_are_judged_by_the_median_and_counts_by_the_worst() {
        assert!(figure(Judged::Median, 5.0, &[9.0, 1.0, 5.0]).is_met());
        assert!(!figure(Judged::Worst, 5.0, &[9.0, 1.0, 5.0]).is_met());
        assert!(!figure(Judged::Median, 5.0, &[9.0, 1.0, 5.1]).is_met());
        assert!(!figure(Judged::Median, 5.0, &[]).is_met());
        assert!(Figure::new("a", "", Judged::Worst, None).is_met());
    }

    #[test]
    fn the_table_says_which_goal_is_missed() {
        let table = table(&[figure(Judged::Worst, 5.0, &[6.0])]);
        assert!(table.ends_with("worst ≤ 5      MISSED"), "{table}");
    }
}
