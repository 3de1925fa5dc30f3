//! Passwords: argon2id to set, bcrypt still to verify, both by two threads with a memory of their own, so that
//! no crowd of logins can take the processor or the memory from everybody else.
//!
//! Argon2 needs 19 MiB for each hash. Allocated and freed by whatever thread is at hand, that memory stays with
//! the process (measured: 40 logins at once left 680 MB behind); here it is two buffers, for ever.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use data_encoding::BASE64_NOPAD;
use tokio::sync::oneshot;

use super::common_passwords;
use crate::error::Error;

/// The shortest password, everywhere.
pub const SHORTEST: usize = 8;

/// Threads that hash. Each takes one core for some 30 ms a login.
const THREADS: usize = 2;

/// Logins that may wait for their turn; more are told to come back.
const WAITING: usize = 64;

/// The dearest bcrypt hash that is compared: a second or two. Tools make them with 10 to 12.
const DEAREST_BCRYPT: u32 = 15;

/// What an unknown account's password is compared with, so that its answer costs what any other does.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bmVvcHJvLW5vYm9keQ$k7bqBqU6nQ2z0J6mVbX1k0d6o4mT2m7m9mB0l1cQ0aE";

/// Hashes and compares passwords. Cheap to clone; the threads end with the last clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    work: SyncSender<Job>,
}

/// The memory of one thread, which a job may use.
pub(super) type Memory = Vec<Block>;
type Job = Box<dyn FnOnce(&mut Memory) + Send>;

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
        let (work, jobs) = sync_channel(WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..THREADS {
            let jobs = Arc::clone(&jobs);
            // Without its threads the pool refuses every login, and says so each time.
            let _ = std::thread::Builder::new().name("passwords".into()).spawn(move || hash_until_the_end(&jobs));
        }
        Self { work }
    }
}

fn hash_until_the_end(jobs: &Mutex<Receiver<Job>>) {
    let mut memory = Memory::new();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(&mut memory),
            Err(_) => return,
        }
    }
}

impl Passwords {
    /// The hash to store for a new password.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] when too many wait already.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        let mut salt = [0u8; 16];
        getrandom::fill(&mut salt).map_err(|error| Error::Internal(error.to_string()))?;
        self.in_turn(move |memory| new_hash(&password, &salt, memory))
            .await?
            .ok_or_else(|| Error::Internal("argon2 refused its own parameters".into()))
    }

    /// Compares a password with a stored hash; `None` stands for an account that does not exist and costs as
    /// much.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] when too many wait already.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<Match, Error> {
        self.in_turn(move |memory| {
            let known = hash.is_some();
            let result = compare(&password, hash.as_deref().unwrap_or(NOBODY), memory);
            if known { result } else { Match::No }
        })
        .await
    }

    /// Runs a piece of work on one of the threads.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] when too many wait already.
    pub(super) async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // Whoever asked may be gone by now.
            if !answer.is_closed() {
                let _ = answer.send(work(memory));
            }
        });
        match self.work.try_send(job) {
            Ok(()) => answered.await.map_err(|_| Error::Internal("a password thread died".into())),
            Err(TrySendError::Full(_)) => Err(Error::TooManyRequests(2)),
            Err(TrySendError::Disconnected(_)) => Err(Error::Internal("the password threads are gone".into())),
        }
    }
}

/// The hash to store, with our parameters.
pub(super) fn new_hash(password: &str, salt: &[u8], memory: &mut Memory) -> Option<String> {
    let (params, mut output) = (Params::DEFAULT, [0u8; 32]);
    argon2id(password.as_bytes(), salt, &params, memory, &mut output)?;
    Some(format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        params.m_cost(),
        params.t_cost(),
        params.p_cost(),
        BASE64_NOPAD.encode(salt),
        BASE64_NOPAD.encode(&output)
    ))
}

/// Computes into `output` with the thread's memory, which grows once to what our parameters need.
pub(super) fn argon2id(
    password: &[u8],
    salt: &[u8],
    params: &Params,
    memory: &mut Memory,
    output: &mut [u8],
) -> Option<()> {
    memory.resize(memory.len().max(params.block_count()), Block::default());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password, salt, output, memory)
        .ok()
}

fn compare(password: &str, hash: &str, memory: &mut Memory) -> Match {
    if ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix)) {
        // As below: a cost of 31 would hold the thread for days, once for each login that is tried.
        if hash.get(4..6).and_then(|cost| cost.parse::<u32>().ok()).is_none_or(|cost| cost > DEAREST_BCRYPT) {
            return Match::No;
        }
        return match bcrypt::verify(password, hash) {
            Ok(true) => Match::YesOld,
            _ => Match::No,
        };
    }
    let matched = read_hash(hash).and_then(|(params, salt, expected)| {
        let mut output = vec![0u8; expected.len()];
        argon2id(password.as_bytes(), &salt, &params, memory, &mut output)?;
        Some(same(&output, &expected))
    });
    if matched == Some(true) { Match::Yes } else { Match::No }
}

/// A stored hash of ours: parameters, salt and output.
pub(super) fn read_hash(hash: &str) -> Option<(Params, Vec<u8>, Vec<u8>)> {
    let mut parts = hash.strip_prefix("$argon2id$v=19$")?.split('$');
    let mut costs =
        parts.next()?.split(',').map(|cost| cost.split_once('=').and_then(|(_, number)| number.parse().ok()));
    let (memory, time, lanes) = (costs.next()??, costs.next()??, costs.next()??);
    let salt = BASE64_NOPAD.decode(parts.next()?.as_bytes()).ok()?;
    let output = BASE64_NOPAD.decode(parts.next()?.as_bytes()).ok()?;
    // Somebody who can write to the table must not be able to order gigabytes or hours.
    let modest: bool = memory <= 64 * 1024 && time <= 10 && lanes <= 4 && parts.next().is_none();
    let params = modest.then(|| Params::new(memory, time, lanes, Some(output.len())).ok())??;
    Some((params, salt, output))
}

/// Compares without telling where the difference is.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
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
        let dearest = "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        assert_eq!(verify("U*U", dearest).await, Match::No, "whoever can write to the table orders no days");
        for broken in
            ["", "$2a$12$VOTRE_HASH_ICI", "plain text", "$argon2id$v=19$m=9999999999,t=2,p=1$c2FsdHNhbHQ$aGFzaA"]
        {
            assert_eq!(verify("", broken).await, Match::No, "{broken}");
        }
    }

    #[tokio::test]
    async fn an_unknown_account_costs_what_a_known_one_does() {
        let (params, salt, output) = read_hash(NOBODY).expect("a well-formed hash, else nothing would be computed");
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (19 * 1024, 2, 1));
        assert!(salt.len() >= 8 && output.len() == 32);
        assert_eq!(Passwords::default().verify("x".into(), None).await.expect("a turn"), Match::No);
    }

    #[tokio::test]
    async fn a_hash_of_the_reference_implementation_is_verified() {
        // From the tests of the reference implementation: "password", "somesalt".
        let reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let passwords = Passwords::default();
        let verify = async |word: &str| passwords.verify(word.into(), Some(reference.into())).await.expect("a turn");
        assert_eq!(verify("password").await, Match::Yes);
        assert_eq!(verify("Password").await, Match::No);
        for absurd in
            ["$argon2id$v=19$m=4000000,t=2,p=1$c29tZXNhbHQ$AAAAAAAA", "$argon2id$v=19$m=19456,t=2$c29tZXNhbHQ$AAAA"]
        {
            assert!(read_hash(absurd).is_none(), "{absurd}");
        }
    }

    #[tokio::test]
    async fn a_crowd_is_told_to_come_back() {
        let passwords = Passwords::default();
        let hashes = (0..WAITING + 20).map(|_| passwords.hash("whatever".into()));
        let refused = futures_util::future::join_all(hashes).await.into_iter().filter(Result::is_err).count();
        assert!((1..=20).contains(&refused), "{refused}");
        assert!(passwords.hash("whatever".into()).await.is_ok(), "later there is room again");
    }
}
