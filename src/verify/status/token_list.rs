//! Status List Tokens (Token Status List section 5): JWT or CWT.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::list::{Order, Packed};
use super::{MAX_OCTETS, Times, Trouble};
use crate::inflate;

/// The claims of a Status List Token.
#[derive(Debug)]
pub(super) struct TokenList {
    /// The address that it is for.
    pub(super) subject: String,
    /// Its signer, where it says so; the specification has no such claim any more.
    pub(super) issuer: Option<String>,
    /// When it was made, when it ends, and for how many seconds it may be kept.
    pub(super) times: Times,
    /// How many bits a status has.
    pub(super) bits: u8,
    /// The list.
    pub(super) list: Packed,
}

impl TokenList {
    /// Reads the payload of a JWT (section 5.1).
    pub(super) fn of_jwt(payload: &Map<String, Value>) -> Result<Self, Trouble> {
        let number = |name: &'static str| match payload.get(name) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| broken(&format!("`{name}` is not a number"))),
        };
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        let list = payload.get("status_list").and_then(Value::as_object);
        let list = list.ok_or_else(|| broken("it holds no `status_list`"))?;
        let packed = list.get("lst").and_then(Value::as_str).and_then(|lst| URL_SAFE_NO_PAD.decode(lst).ok());
        Self::new(
            text("sub"),
            text("iss"),
            (number("iat")?, number("exp")?, number("ttl")?),
            list.get("bits").and_then(Value::as_u64),
            &packed.ok_or_else(|| broken("`lst` is not base64url"))?,
        )
    }

    pub(super) fn new(
        subject: Option<&str>,
        issuer: Option<&str>,
        (issued, ends, ttl): (Option<f64>, Option<f64>, Option<f64>),
        bits: Option<u64>,
        compressed: &[u8],
    ) -> Result<Self, Trouble> {
        let subject = subject.ok_or_else(|| broken("it does not say which list it is (`sub`)"))?.to_owned();
        let issued = issued.ok_or_else(|| broken("it does not say when it was made (`iat`)"))?;
        let bits = match bits {
            Some(bits @ (1 | 2 | 4 | 8)) => u8::try_from(bits).expect("it is at most 8"),
            _ => return Err(broken("`bits` is not 1, 2, 4 or 8")),
        };
        let octets = inflate::zlib(compressed, MAX_OCTETS).map_err(|error| broken(&error.to_string()))?;
        Ok(Self {
            subject,
            issuer: issuer.map(str::to_owned),
            times: Times { starts: Some(issued), ends, ttl },
            bits,
            list: Packed { octets, order: Order::LeastSignificantFirst },
        })
    }

    /// The status at a place.
    pub(super) fn value(&self, index: u64) -> Result<u8, Trouble> {
        self.list.value(index, self.bits).ok_or_else(|| broken("it has no such place"))
    }
}

fn broken(why: &str) -> Trouble {
    Trouble::failed(format!("the status list: {why}"))
}
