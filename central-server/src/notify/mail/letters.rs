//! The letters: what is said, in each language.

use serde::{Deserialize, Serialize};

use super::page::{Page, one_line};
use super::reports::{self, Order, Told, Week};
use crate::alerts::News;
use crate::clock::Time;
use crate::language::Language;
use crate::passwords::Token;

/// What a mail is about. A new one needs its words below, and nothing else.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Letter {
    /// A link to choose a new password, for whoever has forgotten it.
    Reset {
        /// What opens the account.
        token: Token,
    },
    /// A link to choose the first password.
    Invitation {
        /// What opens the account.
        token: Token,
    },
    /// The password is another one now.
    PasswordChanged,
    /// Somebody who manages accounts has removed the second factor.
    SecondFactorRemoved,
    /// What is wrong with the fleet, or is over.
    Alerts {
        /// What there is to tell.
        news: News,
        /// When it was, in seconds since 1970 UTC.
        at: i64,
    },
    /// What became of the reader's orders.
    Results {
        /// Those that have ended together.
        orders: Vec<Order>,
    },
    /// How the week was.
    Summary {
        /// Its figures.
        week: Week,
    },
    /// That mail works.
    Test,
}

/// The words of a letter. What is opened by the action stands in [`Letter::path`].
struct Words {
    subject: &'static str,
    before: &'static [&'static str],
    action: &'static str,
    after: &'static [&'static str],
}

impl Letter {
    /// The word in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reset { .. } => "reset",
            Self::Invitation { .. } => "invitation",
            Self::PasswordChanged => "password_changed",
            Self::SecondFactorRemoved => "second_factor_removed",
            Self::Alerts { .. } => "alerts",
            Self::Results { .. } => "results",
            Self::Summary { .. } => "summary",
            Self::Test => "test",
        }
    }

    /// Whether it leaves whatever the day's number of mails is: what is about an account does.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        !matches!(self, Self::Alerts { .. } | Self::Results { .. } | Self::Summary { .. })
    }

    /// Whether it comes too late to be of use.
    #[must_use]
    pub fn is_stale(&self, now: Time) -> bool {
        matches!(self, Self::Alerts { at, .. } if reports::are_old(*at, now))
    }

    /// The link that the letter is about: without it nobody needs the letter.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        match self {
            Self::Reset { token } | Self::Invitation { token } => Some(token),
            _ => None,
        }
    }

    /// The whole mail; `dashboard` is its address, without a slash at the end.
    #[must_use]
    pub fn page(&self, language: Language, name: Option<&str>, dashboard: &str) -> Page {
        let (greeting, signature) = match language {
            Language::Fr => ("Bonjour", "L'équipe NeoPro"),
            Language::En => ("Hello", "The NeoPro team"),
            Language::Es => ("Hola", "El equipo de NeoPro"),
        };
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let Told { subject, before, action, path, after } = self.told(language);
        Page {
            language,
            subject: one_line(&subject),
            greeting: name.map_or_else(|| format!("{greeting},"), |name| format!("{greeting} {name},")),
            before,
            action: (action, format!("{dashboard}{path}")),
            after,
            signature,
        }
    }

    /// What it says, and what the button opens below the dashboard's address.
    fn told(&self, language: Language) -> Told {
        match self {
            Self::Alerts { news, .. } => reports::alerts(news, language),
            Self::Results { orders } => reports::results(orders, language),
            Self::Summary { week } => reports::summary(week, language),
            Self::Reset { token } | Self::Invitation { token } => {
                let what = if matches!(self, Self::Reset { .. }) { reset(language) } else { invitation(language) };
                what.told(format!("/reset-password?token={}", token.expose()))
            }
            Self::PasswordChanged => changed(language).told("/forgot-password".to_owned()),
            Self::SecondFactorRemoved => removed(language).told("/profile".to_owned()),
            Self::Test => test(language).told("/".to_owned()),
        }
    }
}

impl Words {
    fn told(&self, path: String) -> Told {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Told {
            subject: self.subject.to_owned(),
            before: owned(self.before),
            action: self.action,
            path,
            after: owned(self.after),
        }
    }
}

fn reset(language: Language) -> &'static Words {
    match language {
        Language::Fr => &Words {
            subject: "Choisissez un nouveau mot de passe NeoPro",
            before: &["Vous avez demandé à choisir un nouveau mot de passe pour votre compte NeoPro."],
            action: "Choisir un mot de passe",
            after: &[
                "Ce lien est valable une heure et ne sert qu'une fois.",
                "Si vous n'avez rien demandé, ignorez ce message : votre mot de passe reste le même.",
            ],
        },
        Language::En => &Words {
            subject: "Choose a new NeoPro password",
            before: &["You asked to choose a new password for your NeoPro account."],
            action: "Choose a password",
            after: &[
                "This link is valid for one hour and works once.",
                "If you did not ask for it, ignore this message: your password stays the same.",
            ],
        },
        Language::Es => &Words {
            subject: "Elija una nueva contraseña de NeoPro",
            before: &["Ha pedido elegir una nueva contraseña para su cuenta de NeoPro."],
            action: "Elegir una contraseña",
            after: &[
                "Este enlace es válido durante una hora y solo sirve una vez.",
                "Si no ha pedido nada, ignore este mensaje: su contraseña sigue siendo la misma.",
            ],
        },
    }
}

fn invitation(language: Language) -> &'static Words {
    match language {
        Language::Fr => &Words {
            subject: "Votre accès à NeoPro",
            before: &["Un compte NeoPro a été créé pour vous. Choisissez votre mot de passe pour l'ouvrir."],
            action: "Choisir mon mot de passe",
            after: &[
                "Ce lien est valable sept jours et ne sert qu'une fois.",
                "Passé ce délai, demandez une nouvelle invitation à la personne qui gère les comptes.",
            ],
        },
        Language::En => &Words {
            subject: "Your access to NeoPro",
            before: &["A NeoPro account was created for you. Choose your password to open it."],
            action: "Choose my password",
            after: &[
                "This link is valid for seven days and works once.",
                "After that, ask the person who manages the accounts for a new invitation.",
            ],
        },
        Language::Es => &Words {
            subject: "Su acceso a NeoPro",
            before: &["Se ha creado una cuenta de NeoPro para usted. Elija su contraseña para abrirla."],
            action: "Elegir mi contraseña",
            after: &[
                "Este enlace es válido durante siete días y solo sirve una vez.",
                "Pasado ese plazo, pida una nueva invitación a la persona que gestiona las cuentas.",
            ],
        },
    }
}

fn test(language: Language) -> &'static Words {
    match language {
        Language::Fr => &Words {
            subject: "NeoPro : courriel d'essai",
            before: &["Ce courriel d'essai vient de votre serveur NeoPro : les courriels partent."],
            action: "Ouvrir NeoPro",
            after: &[],
        },
        Language::En => &Words {
            subject: "NeoPro: test mail",
            before: &["This test mail comes from your NeoPro server: mail leaves it."],
            action: "Open NeoPro",
            after: &[],
        },
        Language::Es => &Words {
            subject: "NeoPro: correo de prueba",
            before: &["Este correo de prueba viene de su servidor NeoPro: los correos salen."],
            action: "Abrir NeoPro",
            after: &[],
        },
    }
}

fn changed(language: Language) -> &'static Words {
    match language {
        Language::Fr => &Words {
            subject: "Votre mot de passe NeoPro a été changé",
            before: &[
                "Le mot de passe de votre compte NeoPro vient d'être changé. Vos autres sessions sont fermées.",
                "Si c'est vous, il n'y a rien à faire. Sinon, demandez tout de suite un nouveau mot de passe.",
            ],
            action: "Demander un nouveau mot de passe",
            after: &["Prévenez aussi la personne qui gère les comptes."],
        },
        Language::En => &Words {
            subject: "Your NeoPro password was changed",
            before: &[
                "The password of your NeoPro account has just been changed. Your other sessions are closed.",
                "If it was you, there is nothing to do. If not, ask for a new password now.",
            ],
            action: "Ask for a new password",
            after: &["Tell the person who manages the accounts as well."],
        },
        Language::Es => &Words {
            subject: "Se ha cambiado su contraseña de NeoPro",
            before: &[
                "La contraseña de su cuenta de NeoPro acaba de cambiarse. Sus otras sesiones están cerradas.",
                "Si ha sido usted, no tiene que hacer nada. Si no, pida ahora mismo una nueva contraseña.",
            ],
            action: "Pedir una nueva contraseña",
            after: &["Avise también a la persona que gestiona las cuentas."],
        },
    }
}

fn removed(language: Language) -> &'static Words {
    match language {
        Language::Fr => &Words {
            subject: "La double authentification de votre compte NeoPro a été retirée",
            before: &[
                "Une personne qui gère les comptes vient de retirer la double authentification du vôtre. Vos sessions \
                 sont fermées.",
                "Connectez-vous avec votre mot de passe et remettez-la en place depuis votre profil.",
            ],
            action: "Ouvrir mon profil",
            after: &["Si vous n'avez rien demandé, prévenez cette personne."],
        },
        Language::En => &Words {
            subject: "The second factor of your NeoPro account was removed",
            before: &[
                "A person who manages the accounts has just removed the second factor of yours. Your sessions are \
                 closed.",
                "Log in with your password and set it up again from your profile.",
            ],
            action: "Open my profile",
            after: &["If you did not ask for it, tell that person."],
        },
        Language::Es => &Words {
            subject: "Se ha retirado la doble autenticación de su cuenta de NeoPro",
            before: &[
                "Una persona que gestiona las cuentas acaba de retirar la doble autenticación de la suya. Sus sesiones \
                 están cerradas.",
                "Inicie sesión con su contraseña y vuelva a activarla desde su perfil.",
            ],
            action: "Abrir mi perfil",
            after: &["Si no ha pedido nada, avise a esa persona."],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_its_own_words_in_every_language() {
        let token = Token::fresh().expect("randomness");
        let letters = [
            Letter::Reset { token: token.clone() },
            Letter::Invitation { token: token.clone() },
            Letter::PasswordChanged,
            Letter::SecondFactorRemoved,
            Letter::Test,
        ];
        let mut said = std::collections::BTreeSet::new();
        for letter in &letters {
            for language in Language::ALL {
                let Told { subject, before, action, after, .. } = letter.told(language);
                for text in [subject, action.to_owned()].into_iter().chain(before).chain(after) {
                    assert!(!text.is_empty());
                    said.insert((language.name(), text));
                }
                let page = letter.page(language, None, "https://a.fr");
                assert!(page.action.1.starts_with("https://a.fr/"), "{}", page.action.1);
                assert_eq!(page.action.1.contains(token.expose()), letter.token().is_some());
            }
        }
        let each = said.iter().map(|(_, text)| text).collect::<std::collections::BTreeSet<_>>().len();
        assert_eq!(each, said.len(), "a sentence stands in two languages");
    }

    #[test]
    fn a_letter_shows_no_token_in_the_log_and_survives_its_way_through_a_job() {
        let letter = Letter::Reset { token: Token::fresh().expect("randomness") };
        let token = letter.token().expect("a token").expose().to_owned();
        assert!(!format!("{letter:?}").contains(&token));
        let text = serde_json::to_string(&letter).expect("JSON");
        let back: Letter = serde_json::from_str(&text).expect("a letter");
        assert_eq!(back.token().expect("a token").expose(), token);
    }
}
