//! `create-admin` and `grant-role`: step 9 of the guide.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use serde_json::json;

use super::{NewUser, check_password, staff_only, store};
use crate::audit::{self, Action, Entry};
use crate::auth::{Passwords, Role};
use crate::clock::Clock;
use crate::db::{Db, Scope};
use crate::ids::UserId;

/// `create-admin`.
#[derive(Debug, Args)]
pub struct CreateAdmin {
    /// Adresse e-mail du compte ; demandée si absente.
    #[arg(long)]
    email: Option<String>,
    /// Nom complet ; demandé si absent.
    #[arg(long)]
    full_name: Option<String>,
    /// Lit le mot de passe sur une ligne de l'entrée standard au lieu de le demander deux fois.
    #[arg(long)]
    password_stdin: bool,
    /// Rôle : super_admin, admin, operator ou viewer. Tant qu'il n'y a pas de super_admin, le compte le devient ; ensuite admin par défaut.
    #[arg(long)]
    role: Option<Role>,
}

/// `grant-role`.
#[derive(Debug, Args)]
pub struct GrantRole {
    /// Adresse e-mail du compte.
    email: String,
    /// Rôle : super_admin, admin, operator ou viewer.
    role: Role,
}

impl CreateAdmin {
    /// Asks for what is missing, in the order of the guide, and makes the account.
    ///
    /// # Errors
    /// A sentence; nothing was changed then.
    pub async fn run(self, db: &Db, clock: &Clock) -> Result<(), String> {
        let email = match self.email {
            Some(email) => email,
            None => ask("Adresse e-mail : ", "E-mail address: ")?,
        };
        // Judged before a password is typed in vain.
        NewUser::new(&email, "-", self.role)?;
        if db.run_as_system(store::exists(email.trim())).await.map_err(|error| error.to_string())? {
            return Err(taken(&email));
        }
        let (password, again) = if self.password_stdin {
            let line = read_line()?;
            (line.clone(), line)
        } else {
            (
                ask_hidden("Mot de passe (8 caractères au moins) : ", "Password (at least 8 characters): ")?,
                ask_hidden("Mot de passe, encore une fois : ", "Password, once more: ")?,
            )
        };
        check_password(&password, &again, email.trim())?;
        let full_name = match self.full_name {
            Some(name) => name,
            None => ask("Nom complet : ", "Full name: ")?,
        };
        let new = NewUser::new(&email, &full_name, self.role)?;
        let hash = Passwords::default().hash(password).await.map_err(|error| format!("{error:?}"))?;
        let (id, now) = (UserId::new(), clock.now());
        let entry = Entry::system(Action::UserCreated, None, now).on("user", id).with(json!({
            "by": "command line", "email": new.email, "full_name": new.full_name,
        }));
        let flush = (store::insert(id, &new, hash, now), audit::store::record_made(entry, id.0));
        let (user, ()) = db
            .run_as_system(flush)
            .await
            .map_err(|error| if error.is_taken("users_email_key") { taken(&email) } else { error.to_string() })?;
        if self.role.is_some_and(|asked| asked != user.role) {
            say(
                "Aucun compte super_admin n'était actif : ce compte le devient, sinon personne ne pourrait gérer les autres.",
            );
        }
        let name = user.full_name.unwrap_or_default();
        say(&format!("Compte créé : {} ({name}), rôle {}, identifiant {}.", user.email, user.role, user.id));
        Ok(())
    }
}

impl GrantRole {
    /// Gives the role.
    ///
    /// # Errors
    /// A sentence; nothing was changed then.
    pub async fn run(self, db: &Db, clock: &Clock) -> Result<(), String> {
        staff_only(Some(self.role))?;
        if self.role != Role::SuperAdmin {
            let last = db.run_as_system(store::is_last_super_admin(&self.email)).await.map_err(|e| e.to_string())?;
            if last {
                return Err(format!(
                    "Il ne resterait aucun super_admin actif. Donnez d'abord ce rôle à un autre compte que {}.",
                    self.email
                ));
            }
        }
        let unknown = || format!("Aucun compte n'a l'adresse « {} ».", self.email.escape_debug());
        let id = db.run_as_system(store::find_id(&self.email)).await.map_err(|error| error.to_string())?;
        let (id, now) = (id.ok_or_else(unknown)?, clock.now());
        let entry = Entry::system(Action::UserUpdated, None, now).on("user", id).with(json!({ "by": "command line" }));
        let flush = (
            audit::store::before("user", id.0),
            store::set_role(&self.email, self.role, now),
            store::end_sessions(Scope::System, &[id], now),
            audit::store::record_change(entry, id.0),
        );
        let ((), user, _, ()) = db.run_as_system(flush).await.map_err(|error| error.to_string())?;
        let user = user.ok_or_else(unknown)?;
        say(&format!("{} a maintenant le rôle {}. Ses sessions ouvertes sont terminées.", user.email, user.role));
        Ok(())
    }
}

fn taken(email: &str) -> String {
    format!(
        "Un compte existe déjà pour {} : il n'a pas été modifié. Pour changer son rôle : neopro-central grant-role.",
        email.trim()
    )
}

/// A line typed at a prompt. French, unless the locale says English.
fn ask(french: &str, english: &str) -> Result<String, String> {
    if !io::stdin().is_terminal() {
        return Err("Aucun terminal pour poser les questions : donnez --email, --full-name et --password-stdin.".into());
    }
    let prompt = if crate::config::speaks_english() { english } else { french };
    print!("{prompt}");
    io::stdout().flush().map_err(|error| error.to_string())?;
    read_line()
}

fn ask_hidden(french: &str, english: &str) -> Result<String, String> {
    if !io::stdin().is_terminal() {
        return Err("Aucun terminal pour demander le mot de passe : utilisez --password-stdin.".into());
    }
    let prompt = if crate::config::speaks_english() { english } else { french };
    rpassword::prompt_password(prompt).map_err(|error| format!("Le mot de passe n'a pas pu être lu : {error}."))
}

fn read_line() -> Result<String, String> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).map_err(|error| format!("La saisie a échoué : {error}."))?;
    if read == 0 {
        return Err("La saisie s'est interrompue : rien n'a été créé.".into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn say(sentence: &str) {
    println!("{sentence}");
}
