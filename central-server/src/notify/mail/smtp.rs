//! SMTP: one connection for each mail, encrypted unless the server is on this machine or in a private network.

use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::{Post, Refusal};
use crate::config::{Secret, Sender, is_private_host};
use crate::jobs::Failure;

/// How long a connection may take to be made.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the whole conversation may take. Once there is a connection, nobody else counts.
const WHOLE: Duration = Duration::from_secs(40);

/// A way out by an SMTP server.
#[derive(Debug)]
pub struct Smtp {
    host: String,
    port: u16,
    login: Option<Credentials>,
    /// TLS from the first byte.
    secure: bool,
    from: Sender,
}

impl Smtp {
    /// `secure`: TLS from the first byte, else STARTTLS.
    pub(super) fn new(host: &str, port: u16, login: Option<&(String, Secret)>, secure: bool, from: Sender) -> Self {
        let login = login.map(|(user, password)| Credentials::new(user.clone(), password.expose().to_owned()));
        Self { host: host.to_owned(), port, login, secure, from }
    }

    /// Hands the mail over.
    pub(super) async fn send(&self, post: &Post) -> Result<(), Failure> {
        let message = self.message(post)?;
        let transport = self.transport().map_err(|error| self.judge(&error))?;
        match tokio::time::timeout(WHOLE, transport.send(message)).await {
            Ok(sent) => sent.map(|_| ()).map_err(|error| self.judge(&error)),
            Err(_) => Err(self.silence("no answer in time")),
        }
    }

    /// Connects, encrypts and logs in, and sends nothing.
    pub(super) async fn try_out(&self) -> Result<(), Refusal> {
        let transport = self.transport().map_err(|error| Refusal::Other(chain(&error)))?;
        match transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::Other("the server hung up".into())),
            Err(error) if error.is_timeout() => Err(Refusal::Silent),
            Err(error) => Err(Refusal::Other(chain(&error))),
        }
    }

    fn tls(&self) -> Result<Tls, lettre::transport::smtp::Error> {
        let parameters = TlsParameters::new(self.host.clone())?;
        Ok(match self.secure {
            true => Tls::Wrapper(parameters),
            // A relay next door may have no certificate; over the internet nothing leaves in the clear.
            false if is_private_host(&self.host) => Tls::Opportunistic(parameters),
            false => Tls::Required(parameters),
        })
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
        let tls = self.tls()?;
        let domain = self.from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls)
            .hello_name(ClientId::Domain(domain.to_owned()))
            .timeout(Some(PATIENCE));
        if let Some(login) = &self.login {
            builder = builder.credentials(login.clone());
        }
        Ok(builder.build())
    }

    fn message(&self, post: &Post) -> Result<Message, Failure> {
        let domain = self.from.address.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        Message::builder()
            .from(mailbox(&self.from).ok_or_else(|| Failure::Never("EMAIL_FROM is no address".into()))?)
            .to(mailbox(&post.to).ok_or_else(|| Failure::Never("the recipient has no address".into()))?)
            .subject(post.page.subject.clone())
            // The same mail a second time has the same name: programs show it once.
            .message_id(Some(format!("<{}@{domain}>", post.id)))
            .multipart(MultiPart::alternative_plain_html(post.page.text(), post.page.html()))
            .map_err(|error| Failure::Never(format!("a mail could not be written: {error}")))
    }

    /// Only a mailbox that is refused for good makes another try useless: everything else somebody can mend.
    fn judge(&self, error: &lettre::transport::smtp::Error) -> Failure {
        let Self { host, port, .. } = self;
        let code = error.status().map(u16::from);
        let why = format!("SMTP {host}:{port}: {}", chain(error));
        match code {
            Some(550..=553) => Failure::Never(why),
            None if error.is_timeout() => self.silence(&chain(error)),
            _ => Failure::Later(why, None),
        }
    }

    /// Nobody answers. The free plan of the guide's platform lets nothing out by the usual ports.
    fn silence(&self, said: &str) -> Failure {
        let Self { host, port, .. } = self;
        let blocked = match port {
            25 | 465 | 587 => " (a platform may block the ports 25, 465 and 587: SendGrid's API is not affected)",
            _ => "",
        };
        Failure::Later(format!("SMTP {host}:{port}: {said}{blocked}"), None)
    }
}

/// An error with its causes: what the server said is one of them.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

fn mailbox(person: &Sender) -> Option<Mailbox> {
    let address: Address = person.address.parse().ok()?;
    Some(Mailbox::new(person.name.clone(), address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_the_internet_nothing_leaves_in_the_clear_and_nothing_shows_the_password() {
        let login = ("neopro".to_owned(), Secret::new("un mot de passe"));
        let from = Sender { name: None, address: "noreply@club.fr".into() };
        let smtp = |host: &str, secure| Smtp::new(host, 587, Some(&login), secure, from.clone());
        assert!(matches!(smtp("smtp.club.fr", false).tls(), Ok(Tls::Required(_))));
        assert!(matches!(smtp("smtp.club.fr", true).tls(), Ok(Tls::Wrapper(_))));
        assert!(matches!(smtp("127.0.0.1", false).tls(), Ok(Tls::Opportunistic(_))));
        assert!(matches!(smtp("127.0.0.1", true).tls(), Ok(Tls::Wrapper(_))));
        assert!(!format!("{:?}", smtp("smtp.club.fr", false)).contains("un mot de passe"));
    }
}
