//! Tries the way out of mail, for `doctor`: without sending anything, or with one mail that says that it is a trial.

use std::time::Duration;

use super::{Page, Post, Transport};
use crate::clock::Time;
use crate::config::Sender;
use crate::ids::JobId;
use crate::jobs::Failure;
use crate::language::Language;

/// How long a trial may take; who waits for it is a person.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a way out is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The key is none, or may not send.
    Key(String),
    /// The plan's mails are used up.
    Credits(String),
    /// The sender is not verified.
    Sender(String),
    /// Nobody answers.
    Silent,
    /// Anything else, in the words of the service.
    Other(String),
}

impl Transport {
    /// Tries the way out and sends nothing; `None` where there is nobody to ask.
    pub async fn try_out(&self) -> Option<Result<(), Refusal>> {
        let tried = async {
            match self {
                Self::SendGrid(sendgrid) => Some(sendgrid.try_out().await),
                Self::Smtp(smtp) => Some(smtp.try_out().await),
                Self::Files(_) | Self::Off => None,
            }
        };
        tokio::time::timeout(PATIENCE, tried).await.unwrap_or(Some(Err(Refusal::Silent)))
    }

    /// Sends one mail to this address that says what it is.
    ///
    /// # Errors
    /// What the way out said, without the address.
    pub async fn send_trial(&self, to: &str, language: Language, dashboard: &str, now: Time) -> Result<(), String> {
        let post = Post {
            id: JobId::new(),
            to: Sender { name: None, address: to.to_owned() },
            page: page(language, dashboard),
        };
        let sent = tokio::time::timeout(PATIENCE * 2, self.send(&post, now)).await;
        match sent.unwrap_or_else(|_| Err(Failure::Later("no answer in time".into(), None))) {
            Ok(()) => Ok(()),
            Err(failure) => match failure.without(to) {
                Failure::Later(why, _) | Failure::Never(why) => Err(why),
            },
        }
    }
}

fn page(language: Language, dashboard: &str) -> Page {
    let action = |words| (words, dashboard.to_owned());
    match language {
        Language::Fr => Page {
            language,
            subject: "Courriel d'essai de NeoPro".into(),
            greeting: "Bonjour,".into(),
            before: vec![
                "Ce courriel d'essai a été demandé par le diagnostic de NeoPro : les courriels partent.".into(),
            ],
            action: action("Ouvrir le tableau de bord"),
            after: vec!["Il n'y a rien à faire.".into()],
            signature: "NeoPro",
        },
        Language::En => Page {
            language,
            subject: "Test mail from NeoPro".into(),
            greeting: "Hello,".into(),
            before: vec!["NeoPro's diagnosis was asked to send this test mail: mail leaves the server.".into()],
            action: action("Open the dashboard"),
            after: vec!["There is nothing to do.".into()],
            signature: "NeoPro",
        },
        Language::Es => Page {
            language,
            subject: "Correo de prueba de NeoPro".into(),
            greeting: "Hola:".into(),
            before: vec!["El diagnóstico de NeoPro ha pedido este correo de prueba: los correos salen.".into()],
            action: action("Abrir el panel"),
            after: vec!["No tiene que hacer nada.".into()],
            signature: "NeoPro",
        },
    }
}

/// The page of a trial that is judged and not sent.
pub(super) fn unsent(from: &Sender) -> Post {
    Post { id: JobId::new(), to: from.clone(), page: page(Language::Fr, "https://example.org") }
}
