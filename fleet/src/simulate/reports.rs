//! The reports of a simulated box: one at a time, the same again until it is acknowledged, then the next.

use neopro_box::link::Question;
use neopro_protocol::Reported;
use tokio::time::{Duration, Instant};

/// What is to be reported.
#[derive(Debug)]
pub(super) struct Reports {
    pace: Duration,
    /// The number of the last report.
    sequence: i64,
    /// Something has changed since.
    news: bool,
    /// Sent and not acknowledged, with the question that is open about it on this connection.
    open: Option<(Reported, Option<Question>)>,
    /// Acknowledged long ago, and to be said once more when a later one is acknowledged too.
    echo: Option<Reported>,
    last_sent: Option<Instant>,
}

impl Reports {
    /// Nothing was reported yet.
    pub fn new(pace: Duration) -> Self {
        Self { pace, sequence: 0, news: true, open: None, echo: None, last_sent: None }
    }

    /// Something has changed.
    pub fn changed(&mut self) {
        self.news = true;
    }

    /// A new connection: nothing that was asked on the last one is answered any more.
    pub fn connected(&mut self) {
        self.last_sent = None;
        if let Some((_, question)) = &mut self.open {
            *question = None;
        }
    }

    /// When there is something to send.
    pub fn due(&self) -> Option<Instant> {
        let is_due = match &self.open {
            Some((_, question)) => question.is_none(),
            None => self.news,
        };
        is_due.then(|| self.last_sent.map_or_else(Instant::now, |sent| sent + self.pace))
    }

    /// What is to be sent now: what is open, else a new report, which gets its number here.
    pub fn next(&mut self, make: impl FnOnce() -> Reported) -> &Reported {
        let (news, sequence) = (&mut self.news, &mut self.sequence);
        let (report, _) = self.open.get_or_insert_with(|| {
            *news = false;
            *sequence += 1;
            (Reported { sequence: *sequence, ..make() }, None)
        });
        report
    }

    /// What is open was sent.
    pub fn sent(&mut self, question: Question) {
        self.last_sent = Some(Instant::now());
        if let Some((_, open)) = &mut self.open {
            *open = Some(question);
        }
    }

    /// The server has answered with the number of a report: the report, if it is the open one.
    pub fn acknowledged(&mut self, question: Question, sequence: i64) -> Option<Reported> {
        let taken = self.open.take_if(|(report, open)| *open == Some(question) && report.sequence == sequence);
        if taken.is_none() {
            self.unanswered(question);
        }
        taken.map(|(report, _)| report)
    }

    /// Keeps an acknowledged report for a network that says things twice, and gives out the one that was kept before.
    pub fn echo(&mut self, report: Option<Reported>) -> Option<Reported> {
        let echo = self.echo.take();
        self.echo = report;
        echo
    }

    /// A question was not answered: its report is sent again.
    pub fn unanswered(&mut self, question: Question) {
        if let Some((_, open)) = self.open.as_mut().filter(|(_, open)| *open == Some(question)) {
            *open = None;
        }
    }
}
