//! The box's own key: Ed25519, made on its first start. Its public half says who it is, on every connection.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use data_encoding::BASE64;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// The key's file within the folder of the state; PKCS #8, readable by its owner only.
pub const FILE: &str = "device.key";

/// The box's key.
pub struct DeviceKey(Ed25519KeyPair);

/// Why there is no key.
#[derive(Debug)]
pub enum IdentityError {
    /// The file could not be read or written.
    Disk(io::Error),
    /// The file holds no key.
    Unreadable,
    /// The system has no random numbers.
    Random,
}

impl std::fmt::Display for IdentityError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disk(error) => write!(f, "{error}"),
            Self::Unreadable => f.write_str("the file holds no Ed25519 key"),
            Self::Random => f.write_str("no random numbers"),
        }
    }
}

impl DeviceKey {
    /// The key of this folder, made if there is none. A file that holds no key is set aside, never overwritten.
    ///
    /// # Errors
    /// The disk does not let us.
    pub fn load_or_make(folder: &Path) -> Result<Self, IdentityError> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => match Self::from_bytes(&bytes) {
                Ok(key) => {
                    close_to_others(&path);
                    Ok(key)
                }
                Err(error) => {
                    tracing::error!(%error, "the device key is set aside and a new one made");
                    fs::rename(&path, path.with_extension("key.unreadable")).map_err(IdentityError::Disk)?;
                    Self::make(folder)
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(folder),
            Err(error) => Err(IdentityError::Disk(error)),
        }
    }

    /// A key that is forgotten with the process, for a box whose disk does not let it keep one.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn passing() -> Result<Self, IdentityError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| IdentityError::Random)?;
        Self::from_bytes(document.as_ref())
    }

    fn make(folder: &Path) -> Result<Self, IdentityError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| IdentityError::Random)?;
        write_private(&folder.join(FILE), document.as_ref()).map_err(IdentityError::Disk)?;
        Self::from_bytes(document.as_ref())
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        Ed25519KeyPair::from_pkcs8(bytes).map(Self).map_err(|_| IdentityError::Unreadable)
    }

    /// The public half, 32 bytes in base64.
    #[must_use]
    pub fn public(&self) -> String {
        BASE64.encode(self.0.public_key().as_ref())
    }
}

/// A card that cannot be written any more is no reason to be somebody else.
fn close_to_others(path: &Path) {
    let is_open = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if is_open && let Err(error) = fs::set_permissions(path, fs::Permissions::from_mode(0o600)) {
        tracing::error!(%error, "the device key can be read by others on this machine");
    }
}

/// Writes a file that only its owner may read, whole or not at all, and on the disk when this returns.
///
/// # Errors
/// What the disk says.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_keeps_its_key_and_nobody_else_reads_it() {
        let folder = crate::files::tests::scratch("identity");
        let first = DeviceKey::load_or_make(&folder).expect("a key").public();
        assert_eq!(BASE64.decode(first.as_bytes()).expect("base64").len(), 32);
        assert_eq!(DeviceKey::load_or_make(&folder).expect("the key").public(), first);
        let mode = fs::metadata(folder.join(FILE)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(folder.join(FILE), "torn").expect("written");
        assert_ne!(DeviceKey::load_or_make(&folder).expect("a new key").public(), first);
        assert!(folder.join("device.key.unreadable").exists());
    }
}
