//! Backup codes, for the day on which the telephone is gone. Each opens once.
//!
//! Forty random bits are few enough to be tried one after the other by whoever has a copy of the table, so they are
//! stored as passwords are. The codes of one set share their salt: one computation compares with all of them.

use crate::auth::password::{Passwords, argon2id, new_hash, read_hash, same};
use crate::error::Error;

/// Codes of a set.
const COUNT: usize = 8;
/// Thirty-two letters and digits that nobody takes for each other.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Characters of a code, without its hyphen.
pub const LENGTH: usize = 8;

/// A new set of codes: as they are shown, this once, and as they are stored.
#[derive(Debug)]
pub struct Set {
    /// `XXXX-XXXX`.
    pub shown: Vec<String>,
    /// Their hashes.
    pub stored: Vec<String>,
}

/// A new set.
///
/// # Errors
/// [`Error::TooManyRequests`] when too many logins wait already.
pub async fn generate(passwords: &Passwords) -> Result<Set, Error> {
    let (mut random, mut salt) = ([0u8; COUNT * LENGTH], [0u8; 16]);
    getrandom::fill(&mut random)
        .and_then(|()| getrandom::fill(&mut salt))
        .map_err(|e| Error::Internal(e.to_string()))?;
    let codes: Vec<String> = random.chunks(LENGTH).map(word).collect();
    let stored = hash_all(passwords, codes.clone(), salt).await?;
    let shown = codes.iter().map(|code| format!("{}-{}", &code[..LENGTH / 2], &code[LENGTH / 2..])).collect();
    Ok(Set { shown, stored })
}

/// Hashes codes that were stored in clear, without their hyphens.
///
/// # Errors
/// [`Error::TooManyRequests`] when too many logins wait already.
pub async fn adopt(passwords: &Passwords, codes: Vec<String>) -> Result<Vec<String>, Error> {
    let mut salt = [0u8; 16];
    getrandom::fill(&mut salt).map_err(|e| Error::Internal(e.to_string()))?;
    hash_all(passwords, codes, salt).await
}

async fn hash_all(passwords: &Passwords, codes: Vec<String>, salt: [u8; 16]) -> Result<Vec<String>, Error> {
    let mut stored = Vec::with_capacity(codes.len());
    for code in codes {
        // One turn each: logins do not wait behind a whole set.
        let hash = passwords.in_turn(move |memory| new_hash(&code, &salt, memory)).await?;
        stored.push(hash.ok_or_else(|| Error::Internal("argon2 refused its own parameters".into()))?);
    }
    Ok(stored)
}

fn word(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// Which of the stored hashes is this code's.
///
/// # Errors
/// [`Error::TooManyRequests`] when too many logins wait already.
pub async fn find(passwords: &Passwords, code: String, stored: Vec<String>) -> Result<Option<String>, Error> {
    passwords
        .in_turn(move |memory| {
            let (mut computed, mut found) = (Vec::<(Vec<u8>, Vec<u8>)>::new(), None);
            for hash in stored {
                let Some((params, salt, expected)) = read_hash(&hash) else { continue };
                if computed.iter().all(|(known, _)| *known != salt) {
                    let mut output = vec![0u8; expected.len()];
                    argon2id(code.as_bytes(), &salt, &params, memory, &mut output)?;
                    computed.push((salt.clone(), output));
                }
                if computed.iter().any(|(known, output)| *known == salt && same(output, &expected)) {
                    found = Some(hash);
                }
            }
            found
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_code_of_a_set_is_found_by_its_own_hash_and_nothing_else_is() {
        let passwords = Passwords::default();
        let set = generate(&passwords).await.expect("a set");
        assert_eq!((set.shown.len(), set.stored.len()), (8, 8));
        for (shown, stored) in set.shown.iter().zip(&set.stored) {
            assert_eq!((shown.len(), shown.find('-')), (9, Some(4)), "{shown}");
            assert!(!stored.contains(&shown[..4]), "{stored}");
            let found = find(&passwords, shown.replace('-', ""), set.stored.clone()).await.expect("a turn");
            assert_eq!(found.as_ref(), Some(stored));
        }
        let other = generate(&passwords).await.expect("another set");
        assert_ne!(set.shown, other.shown);
        for wrong in [other.shown[0].replace('-', ""), set.shown[0].clone(), String::new()] {
            assert_eq!(find(&passwords, wrong, set.stored.clone()).await.expect("a turn"), None);
        }
        let broken = vec!["ABCDEFGH".to_owned(), String::new(), "$argon2id$".to_owned()];
        assert_eq!(find(&passwords, "ABCDEFGH".into(), broken).await.expect("a turn"), None);
    }
}
