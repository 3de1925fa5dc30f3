//! The text format of Prometheus (version 0.0.4), and the three kinds of figures that it knows.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many label sets a family may have. No label is what somebody may invent; this is for the day when one is.
const MOST_SERIES: usize = 500;

/// A label's value: a word of the program, or one of a closed list.
pub type Label = Cow<'static, str>;

/// What a family counts.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
    /// A sum and a count.
    Summary,
}

/// A page that is being written: each family with its help and all of its series together.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Begins a family.
    pub fn family(&mut self, kind: Kind, name: &'static str, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
        };
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { page: &mut self.0, name }
    }

    /// A gauge with one value.
    pub fn gauge(&mut self, name: &'static str, help: &str, value: f64) {
        self.family(Kind::Gauge, name, help).sample(&[], value);
    }

    /// A counter with one value.
    pub fn counter(&mut self, name: &'static str, help: &str, value: u64) {
        self.family(Kind::Counter, name, help).sample(&[], float(value));
    }

    /// The whole text.
    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }
}

/// A family that is being written.
#[derive(Debug)]
pub struct Family<'a> {
    page: &'a mut String,
    name: &'static str,
}

impl Family<'_> {
    /// A value with these labels.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        line(self.page, self.name, "", labels, value);
    }

    /// Every series of a histogram with these labels.
    pub fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let mut below = 0;
        for (bound, count) in histogram.bounds.iter().zip(&histogram.counts) {
            below += count;
            let bound = bound.to_string();
            line(self.page, self.name, "_bucket", &[labels, &[("le", &bound)]].concat(), float(below));
        }
        line(self.page, self.name, "_bucket", &[labels, &[("le", "+Inf")]].concat(), float(histogram.count));
        line(self.page, self.name, "_sum", labels, histogram.sum);
        line(self.page, self.name, "_count", labels, float(histogram.count));
    }

    /// A sum and a count.
    pub fn summary(&mut self, sum: f64, count: u64) {
        line(self.page, self.name, "_sum", &[], sum);
        line(self.page, self.name, "_count", &[], float(count));
    }
}

fn line(page: &mut String, name: &str, suffix: &str, labels: &[(&str, &str)], value: f64) {
    let _ = write!(page, "{name}{suffix}");
    if !labels.is_empty() {
        let shown = labels.iter().map(|(name, value)| {
            format!("{name}=\"{}\"", value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
        });
        let _ = write!(page, "{{{}}}", shown.collect::<Vec<_>>().join(","));
    }
    let _ = writeln!(page, " {value}");
}

/// A count as the format's only kind of number.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, which no count of ours reaches")]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// Counts by label.
#[derive(Debug, Default)]
pub struct Counters<const LABELS: usize>(Mutex<BTreeMap<[Label; LABELS], u64>>);

impl<const LABELS: usize> Counters<LABELS> {
    /// One more.
    pub fn add(&self, labels: [Label; LABELS]) {
        let mut counts = self.lock();
        let is_full = counts.len() >= MOST_SERIES && !counts.contains_key(&labels);
        let labels = if is_full { [const { Cow::Borrowed("other") }; LABELS] } else { labels };
        *counts.entry(labels).or_default() += 1;
    }

    /// How often there were these.
    #[must_use]
    pub fn count(&self, labels: &[Label; LABELS]) -> u64 {
        self.lock().get(labels).copied().unwrap_or_default()
    }

    pub(super) fn write(&self, mut family: Family<'_>, names: [&str; LABELS]) {
        self.write_beside(&mut family, names, &[]);
    }

    /// The same, each with another label before its own.
    pub(super) fn write_beside(&self, family: &mut Family<'_>, names: [&str; LABELS], other: &[(&str, &str)]) {
        for (labels, count) in self.lock().iter() {
            let own = names.into_iter().zip(labels.iter().map(|label| &**label));
            let labels: Vec<(&str, &str)> = other.iter().copied().chain(own).collect();
            family.sample(&labels, float(*count));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<[Label; LABELS], u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sizes, counted by size.
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Vec<u64>,
    count: u64,
    sum: f64,
}

impl Histogram {
    /// Nothing yet, to be counted up to each of these.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len()], count: 0, sum: 0.0 }
    }

    /// One more, of this size.
    pub fn observe(&mut self, size: f64) {
        if let Some(bucket) = self.bounds.iter().position(|bound| size <= *bound) {
            self.counts[bucket] += 1;
        }
        self.count += 1;
        self.sum += size;
    }
}

/// Histograms by one label.
#[derive(Debug)]
pub struct Histograms(&'static [f64], Mutex<BTreeMap<Label, Histogram>>);

impl Histograms {
    /// Nothing yet, to be counted up to each of these.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        Self(bounds, Mutex::default())
    }

    /// One more, of this size.
    pub fn observe(&self, label: Label, size: f64) {
        let mut all = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let label = if all.len() >= MOST_SERIES && !all.contains_key(&label) { "other".into() } else { label };
        all.entry(label).or_insert_with(|| Histogram::new(self.0)).observe(size);
    }

    pub(crate) fn write(&self, mut family: Family<'_>, name: &str) {
        for (label, histogram) in self.1.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            family.histogram(&[(name, label)], histogram);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_prometheus_reads() {
        let mut page = Page::default();
        page.gauge("up", "Whether.", 1.5);
        let counters = Counters::<2>::default();
        counters.add(["a\"b\\c\nd".into(), "x".into()]);
        counters.add(["a\"b\\c\nd".into(), "x".into()]);
        counters.write(page.family(Kind::Counter, "seen_total", "How often."), ["one", "two"]);
        let mut histogram = Histogram::new(&[0.1, 1.0]);
        [0.1, 0.5, 7.0].into_iter().for_each(|size| histogram.observe(size));
        page.family(Kind::Histogram, "size_bytes", "How large.").histogram(&[("kind", "k")], &histogram);
        assert_eq!(
            page.finish(),
            "# HELP up Whether.\n# TYPE up gauge\nup 1.5\n\
             # HELP seen_total How often.\n# TYPE seen_total counter\nseen_total{one=\"a\\\"b\\\\c\\nd\",two=\"x\"} 2\n\
             # HELP size_bytes How large.\n# TYPE size_bytes histogram\n\
             size_bytes_bucket{kind=\"k\",le=\"0.1\"} 1\nsize_bytes_bucket{kind=\"k\",le=\"1\"} 2\n\
             size_bytes_bucket{kind=\"k\",le=\"+Inf\"} 3\nsize_bytes_sum{kind=\"k\"} 7.6\nsize_bytes_count{kind=\"k\"} 3\n"
        );
    }

    #[test]
    fn labels_that_somebody_invents_do_not_fill_the_memory() {
        let (counters, histograms) = (Counters::<1>::default(), Histograms::new(&[1.0]));
        for number in 0..10_000 {
            counters.add([number.to_string().into()]);
            histograms.observe(number.to_string().into(), 0.5);
        }
        let counts: Vec<u64> = counters.lock().values().copied().collect();
        assert_eq!((counts.len(), counts.iter().sum::<u64>()), (MOST_SERIES + 1, 10_000));
        assert_eq!(histograms.1.lock().expect("no panic").len(), MOST_SERIES + 1);
    }
}
