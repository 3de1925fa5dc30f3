//! Passwords: argon2id to set, bcrypt still to verify, both on a small pool so that no crowd of logins can
//! take the processor or the memory from everybody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use tokio::sync::Semaphore;

use super::common_passwords;
use crate::error::Error;

/// The shortest password, everywhere.
pub const SHORTEST: usize = 8;

/// Hashes that are computed at the same time. Each takes 19 MiB and one core for some 30 ms.
const AT_ONCE: usize = 2;

/// Logins that may wait for their turn; more are told to come back.
const WAITING: usize = 64;

/// What an unknown account's password is compared with, so that its answer takes as long as any other.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bmVvcHJvLW5vYm9keQ$k7bqBqU6nQ2z0J6mVbX1k0d6o4mT2m7m9mB0l1cQ0aE";

/// Computes and compares password hashes on a bounded pool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<AtomicUsize>,
}

/// The outcome of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// Another password, or no hash at all.
    No,
    /// The right password.
    Yes,
    /// The right password, under a hash that should be replaced by ours.
    YesOld,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), queue: Arc::default() }
    }
}

impl Passwords {
    /// The hash to store for a new password.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] when too many wait already.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        self.in_turn(move || {
            Argon2::default()
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| Error::Internal(error.to_string()))
        })
        .await?
    }

    /// Compares a password with a stored hash; `None` stands for an account that does not exist and takes
    /// the same time.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] when too many wait already.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<Match, Error> {
        self.in_turn(move || {
            let known = hash.is_some();
            let result = compare(&password, hash.as_deref().unwrap_or(NOBODY));
            if known { result } else { Match::No }
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let _place = Place::take(&self.queue)?;
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| Error::Internal("the password pool is closed".into()))?;
        tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if the request that asked for it is gone.
            let _turn = turn;
            work()
        })
        .await
        .map_err(|error| Error::Internal(error.to_string()))
    }
}

/// A place in the queue, given back on drop.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(queue: &Arc<AtomicUsize>) -> Result<Self, Error> {
        let before = queue.fetch_add(1, Ordering::SeqCst);
        let place = Self(Arc::clone(queue));
        if before >= WAITING { Err(Error::TooManyRequests(2)) } else { Ok(place) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn compare(password: &str, hash: &str) -> Match {
    if ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix)) {
        return match bcrypt::verify(password, hash) {
            Ok(true) => Match::YesOld,
            _ => Match::No,
        };
    }
    match PasswordHash::new(hash) {
        Ok(parsed) if Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() => Match::Yes,
        _ => Match::No,
    }
}

/// Whether a new password will do.
///
/// # Errors
/// A sentence that says why not.
pub fn accept(password: &str, email: &str) -> Result<(), &'static str> {
    let lower = password.to_lowercase();
    if password.chars().count() < SHORTEST {
        return Err("Le mot de passe doit compter au moins 8 caractères.");
    }
    if password.len() > 1024 {
        return Err("Le mot de passe est trop long (1024 octets au plus).");
    }
    let name = email.split('@').next().unwrap_or_default().to_lowercase();
    if lower == email.to_lowercase() || (name.len() >= SHORTEST && lower == name) {
        return Err("Le mot de passe ne doit pas être l'adresse e-mail.");
    }
    if common_passwords::contains(&lower) {
        return Err("Ce mot de passe est l'un des plus courants : choisissez-en un autre.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_characters_and_common_ones_are_refused() {
        assert!(accept("abcdef7", "a@b.fr").is_err());
        assert!(accept("Tennis-8", "a@b.fr").is_ok());
        for common in
            ["password", "PASSWORD", "12345678", "azertyuiop", "motdepasse", "aaaaaaaa", "admin123", "abcdefgh"]
        {
            assert!(accept(common, "a@b.fr").is_err(), "{common}");
        }
        assert!(accept("camille.durand", "camille.durand@club.fr").is_err());
    }

    #[tokio::test]
    async fn our_hash_and_foreign_bcrypt_are_verified() {
        let passwords = Passwords::default();
        let hash = passwords.hash("pédale douce".into()).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        let verify = async |password: &str, hash: &str| {
            passwords.verify(password.into(), Some(hash.into())).await.expect("a turn")
        };
        assert_eq!(verify("pédale douce", &hash).await, Match::Yes);
        assert_eq!(verify("pedale douce", &hash).await, Match::No);
        // From the test vectors of OpenBSD's and PHP's implementations: "U*U" and "rasmuslerdorf".
        for (password, foreign) in [
            ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("rasmuslerdorf", "$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq"),
        ] {
            assert_eq!(verify(password, foreign).await, Match::YesOld, "{foreign}");
            assert_eq!(verify("another", foreign).await, Match::No, "{foreign}");
        }
        for broken in
            ["", "$2a$12$VOTRE_HASH_ICI", "plain text", "$argon2id$v=19$m=9999999999,t=2,p=1$c2FsdHNhbHQ$aGFzaA"]
        {
            assert_eq!(verify("", broken).await, Match::No, "{broken}");
        }
    }

    #[tokio::test]
    async fn an_unknown_account_takes_as_long_as_a_known_one() {
        let parsed = PasswordHash::new(NOBODY).expect("a well-formed hash, else nothing would be computed");
        let params = argon2::Params::try_from(&parsed).expect("parameters");
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (19 * 1024, 2, 1));
        assert_eq!(Passwords::default().verify("x".into(), None).await.expect("a turn"), Match::No);
    }

    #[tokio::test]
    async fn a_crowd_is_told_to_come_back() {
        let passwords = Passwords::default();
        passwords.queue.store(WAITING, Ordering::SeqCst);
        assert!(matches!(passwords.hash("whatever".into()).await, Err(Error::TooManyRequests(_))));
        passwords.queue.store(0, Ordering::SeqCst);
        assert!(passwords.hash("whatever".into()).await.is_ok());
        assert_eq!(passwords.queue.load(Ordering::SeqCst), 0);
    }
}
