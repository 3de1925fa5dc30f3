//! Where a guess comes from: an address, and the device if it is one that got in before.

use std::convert::Infallible;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use cookie::Cookie;

use super::key;
use crate::app::App;
use crate::auth::cookies;
use crate::error::Error;
use crate::http::{ClientAddress, Origin};

/// The cookie by which a browser is known again. It opens nothing.
const NAME: &str = "neopro_device";

/// Browsers keep no cookie longer.
const LIFETIME: Duration = Duration::from_secs(400 * 24 * 3_600);

/// 256 random bits of a browser that got in before.
#[derive(Clone, PartialEq, Eq)]
pub struct Device(String);

impl Device {
    /// A new one.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn fresh() -> Result<Self, getrandom::Error> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(data_encoding::BASE64URL_NOPAD.encode(&bytes)))
    }

    /// The cookie that keeps it, with the attributes of the session's.
    #[must_use]
    pub fn cookie(&self, secure: bool, origin: &Origin) -> HeaderValue {
        cookies::build(NAME, self.0.clone(), LIFETIME.as_secs(), secure, origin)
    }

    fn of(headers: &HeaderMap) -> Option<Self> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == NAME)
            .and_then(|cookie| cookie.value().parse().ok())
    }
}

impl FromStr for Device {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(()),
        }
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Device(•••)")
    }
}

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The address.
    pub ip: IpAddr,
    /// The device, if it sent the cookie of one.
    pub device: Option<Device>,
}

impl Source {
    /// The place of the address. A household has a whole /64 of IPv6 to choose from: that is one address here.
    pub(super) fn address(&self) -> String {
        let network = match self.ip {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("{:x?}", &address.segments()[..4]),
        };
        key(&["place", "address", &network])
    }

    /// The place of the device.
    pub(super) fn device(&self) -> Option<String> {
        self.device.as_ref().map(|Device(text)| key(&["place", "device", text]))
    }

    /// The same source with a device, which is a new one if it had none, and whether it is; unchanged where no cookie is
    /// kept.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn known_by_cookie(mut self, keeps_cookies: bool) -> Result<(Self, bool), Error> {
        let is_new = keeps_cookies && self.device.is_none();
        if is_new {
            self.device = Some(Device::fresh().map_err(|error| Error::Internal(error.to_string()))?);
        }
        Ok((self, is_new))
    }
}

impl FromRequestParts<App> for Source {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let ClientAddress(ip) = ClientAddress::from_request_parts(parts, app).await?;
        Ok(Self { ip, device: Device::of(&parts.headers) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let at = |host: [u16; 8]| Source { ip: IpAddr::from(host), device: None }.address();
        assert_eq!(at([0x2001, 0xdb8, 0, 7, 0, 0, 0, 1]), at([0x2001, 0xdb8, 0, 7, 9, 9, 9, 9]));
        assert_ne!(at([0x2001, 0xdb8, 0, 7, 0, 0, 0, 1]), at([0x2001, 0xdb8, 0, 8, 0, 0, 0, 1]));
    }

    #[test]
    fn only_256_bits_are_a_device() {
        let device = Device::fresh().expect("randomness");
        let mut headers = HeaderMap::new();
        let cookie = format!("a=b; neopro_device={}", device.0);
        headers.insert(header::COOKIE, HeaderValue::from_str(&cookie).expect("ASCII"));
        assert_eq!(Device::of(&headers), Some(device.clone()));
        assert!(!format!("{device:?}").contains(&device.0));
        for bad in ["", "x", "neopro_device=", "AAEC"] {
            assert!(bad.parse::<Device>().is_err(), "{bad}");
        }
        let own = device.cookie(true, &Origin::Own);
        assert!(own.to_str().expect("ASCII").contains("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=34560000"));
    }
}
