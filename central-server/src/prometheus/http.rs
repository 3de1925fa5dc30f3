//! Requests, by the pattern of their route: an address that somebody invents is no series.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Method;

use super::page::{Histogram, Kind, Page, float};

/// The bounds of NeoPro 1, in seconds.
const BOUNDS: &[f64] = &[0.001, 0.005, 0.015, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// The methods that are told apart; whatever else a client invents is `other`.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "other"];

/// What has no route.
const NO_ROUTE: &str = "(no route)";

/// The requests so far.
#[derive(Debug, Default)]
pub struct Requests {
    routes: Mutex<HashMap<String, Route>>,
    in_progress: [AtomicI64; METHODS.len()],
}

/// One route, by method.
type Route = BTreeMap<usize, Ended>;

/// The requests of one route and method that have ended.
#[derive(Debug)]
struct Ended {
    by_status: BTreeMap<u16, u64>,
    durations: Histogram,
}

/// A request that is under way; it is over when this is dropped, also if its client has gone.
#[derive(Debug)]
pub struct UnderWay<'a>(&'a AtomicI64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Requests {
    /// A request begins.
    pub fn begin(&self, method: &Method) -> UnderWay<'_> {
        let gauge = &self.in_progress[place(method)];
        gauge.fetch_add(1, Ordering::Relaxed);
        UnderWay(gauge)
    }

    /// A request has ended.
    pub fn ended(&self, method: &Method, route: Option<&str>, status: u16, took: Duration) {
        let (mut routes, route) = (self.lock(), route.unwrap_or(NO_ROUTE));
        // Looked up by reference: all but the first request of a route allocate nothing.
        if !routes.contains_key(route) {
            routes.insert(route.to_owned(), Route::new());
        }
        let Some(route) = routes.get_mut(route) else { return };
        let ended = route
            .entry(place(method))
            .or_insert_with(|| Ended { by_status: BTreeMap::new(), durations: Histogram::new(BOUNDS) });
        *ended.by_status.entry(status).or_default() += 1;
        ended.durations.observe(took.as_secs_f64());
    }

    /// Sums that name no route.
    pub(super) fn write_sums(&self, page: &mut Page) {
        let mut sums: BTreeMap<(usize, u16), u64> = BTreeMap::new();
        for (method, ended) in self.lock().values().flatten() {
            for (status, count) in &ended.by_status {
                *sums.entry((*method, *status)).or_default() += count;
            }
        }
        let mut family = page.family(Kind::Counter, "http_requests_total", "Requests that were answered.");
        for ((method, status), count) in sums {
            family.sample(&[("method", METHODS[method]), ("status_code", &status.to_string())], float(count));
        }
    }

    /// Everything, by route.
    pub(super) fn write(&self, page: &mut Page) {
        let routes = self.lock();
        let sorted: BTreeMap<&String, &Route> = routes.iter().collect();
        let mut family = page.family(Kind::Counter, "http_requests_total", "Requests that were answered.");
        for (path, route) in &sorted {
            for (method, ended) in *route {
                for (status, count) in &ended.by_status {
                    let status = status.to_string();
                    let labels = [("method", METHODS[*method]), ("path", path.as_str()), ("status_code", &status)];
                    family.sample(&labels, float(*count));
                }
            }
        }
        let help = "Time until the head of the answer.";
        let mut family = page.family(Kind::Histogram, "http_request_duration_seconds", help);
        for (path, route) in &sorted {
            for (method, ended) in *route {
                family.histogram(&[("method", METHODS[*method]), ("path", path)], &ended.durations);
            }
        }
        let mut family = page.family(Kind::Gauge, "http_requests_in_progress", "Requests that are under way.");
        for (method, gauge) in METHODS.iter().zip(&self.in_progress) {
            let count = u64::try_from(gauge.load(Ordering::Relaxed)).unwrap_or_default();
            family.sample(&[("method", method)], float(count));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Route>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(method: &Method) -> usize {
    METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_clients_invent_is_a_handful_of_series() {
        let requests = Requests::default();
        for number in 0..1_000 {
            let method = Method::from_bytes(format!("X{number}").as_bytes()).expect("a method");
            drop(requests.begin(&method));
            requests.ended(&method, None, 405, Duration::from_millis(number));
        }
        let mut page = Page::default();
        requests.write(&mut page);
        let text = page.finish();
        assert!(text.contains("http_requests_total{method=\"other\",path=\"(no route)\",status_code=\"405\"} 1000\n"));
        assert!(text.lines().count() < 40, "{text}");
    }

    #[test]
    fn a_request_whose_client_goes_away_is_under_way_no_more() {
        let requests = Requests::default();
        let shown = || {
            let mut page = Page::default();
            requests.write(&mut page);
            page.finish()
                .lines()
                .find(|line| line.starts_with("http_requests_in_progress{method=\"GET\"}"))
                .map(str::to_owned)
        };
        let under_way = requests.begin(&Method::GET);
        assert_eq!(shown().as_deref(), Some("http_requests_in_progress{method=\"GET\"} 1"));
        drop(under_way);
        assert_eq!(shown().as_deref(), Some("http_requests_in_progress{method=\"GET\"} 0"));
    }
}
