//! Passwords, as argon2id with the parameters that OWASP recommends: 19 MiB, two passes, one lane.
//!
//! [`hash`] and [`verify`] take some tens of milliseconds of one core on purpose. In an async program the caller runs them off the
//! async threads (`tokio::task::spawn_blocking`) and bounds how many run at a time.

use std::fmt;
use std::sync::OnceLock;

use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

/// The shortest password that may be chosen, in characters.
pub const PASSWORD_CHARACTERS_MIN: usize = 8;
/// The longest password, in bytes: a longer one would only cost time.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// A password as somebody typed it. It can't be printed.
pub struct Password(String);

/// A password that may be chosen: it is long enough. It can't be printed.
pub struct NewPassword(Password);

/// What is kept of a password: a PHC string with algorithm, parameters, salt and hash. It can't be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The password is the user's.
    Right,
    /// It is, but its hash has other parameters than today's: hash it again and keep that.
    RightOutdated,
    /// It is not, or there is no such user.
    Wrong,
}

/// Why there is no password or no hash of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It has fewer than [`PASSWORD_CHARACTERS_MIN`] characters.
    #[error("a password needs at least {PASSWORD_CHARACTERS_MIN} characters")]
    TooShort,
    /// It has more than [`PASSWORD_BYTES_MAX`] bytes.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// The stored text is no hash of a password.
    #[error("the stored password hash is unreadable")]
    Unreadable,
    /// The operating system gave no random numbers.
    #[error("no random numbers for a salt")]
    Random(#[from] getrandom::Error),
    /// The hash could not be computed.
    #[error("the password could not be hashed")]
    Hashing,
}

impl Password {
    /// A password to be checked.
    ///
    /// # Errors
    /// [`Error::TooLong`]: nobody has chosen such a password, and hashing it would only cost time.
    pub fn new(text: String) -> Result<Self, Error> {
        if text.len() > PASSWORD_BYTES_MAX { Err(Error::TooLong) } else { Ok(Self(text)) }
    }
}

impl NewPassword {
    /// A password to be chosen. Any characters are allowed.
    ///
    /// # Errors
    /// [`Error::TooShort`] and [`Error::TooLong`].
    pub fn new(text: String) -> Result<Self, Error> {
        if text.chars().count() < PASSWORD_CHARACTERS_MIN {
            return Err(Error::TooShort);
        }
        Password::new(text).map(Self)
    }
}

impl PasswordHash {
    /// The hash that was kept.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if the text is no PHC string of argon2.
    pub fn parse(text: String) -> Result<Self, Error> {
        let parsed = phc::PasswordHash::new(&text).map_err(|_| Error::Unreadable)?;
        let complete = parsed.salt.is_some() && parsed.hash.is_some();
        let known =
            Algorithm::try_from(parsed.algorithm.as_str()).is_ok() && Params::try_from(&parsed).is_ok();
        if complete && known { Ok(Self(text)) } else { Err(Error::Unreadable) }
    }

    /// The PHC string, to be kept.
    #[must_use]
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

macro_rules! hidden {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )+};
}

hidden!(Password, NewPassword, PasswordHash);

/// Hashes a password under a new salt. Blocks for some tens of milliseconds.
///
/// # Errors
/// [`Error::Random`] and [`Error::Hashing`].
pub fn hash(password: &NewPassword) -> Result<PasswordHash, Error> {
    hashed(password.0.0.as_bytes())
}

/// Checks a password against what is kept; `None` when there is no such user, which takes as long. Blocks for some tens
/// of milliseconds.
///
/// # Errors
/// [`Error::Random`] and [`Error::Hashing`].
pub fn verify(password: &Password, kept: Option<&PasswordHash>) -> Result<Verdict, Error> {
    // Made by whoever comes first, known or not: the time says nothing about the user.
    let nobody = nobody()?;
    let hash = kept.unwrap_or(nobody);
    let parsed = phc::PasswordHash::new(hash.as_phc()).map_err(|_| Error::Unreadable)?;
    let right = match argon2()?.verify_password(password.0.as_bytes(), &parsed) {
        Ok(()) => true,
        Err(argon2::password_hash::Error::PasswordInvalid) => false,
        Err(_) => return Err(Error::Hashing),
    };
    Ok(match kept {
        Some(_) if right && is_current(&parsed)? => Verdict::Right,
        Some(_) if right => Verdict::RightOutdated,
        Some(_) | None => Verdict::Wrong,
    })
}

/// A hash of random bytes that nobody knows, made once, to work on when there is no user.
fn nobody() -> Result<&'static PasswordHash, Error> {
    static NOBODY: OnceLock<Result<PasswordHash, Error>> = OnceLock::new();
    NOBODY.get_or_init(|| hashed(&random::<32>()?)).as_ref().map_err(|error| *error)
}

fn hashed(password: &[u8]) -> Result<PasswordHash, Error> {
    let salt = random::<SALT_BYTES>()?;
    let hash = argon2()?.hash_password_with_salt(password, &salt).map_err(|_| Error::Hashing)?;
    Ok(PasswordHash(hash.to_string()))
}

fn argon2() -> Result<Argon2<'static>, Error> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?))
}

fn params() -> Result<Params, Error> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Error::Hashing)
}

fn is_current(hash: &phc::PasswordHash) -> Result<bool, Error> {
    let kept = Params::try_from(hash).map_err(|_| Error::Unreadable)?;
    let today = params()?;
    let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    let version = hash.version == Some(Version::V0x13.into());
    Ok(version && hash.algorithm == Algorithm::Argon2id.ident() && costs(&kept) == costs(&today))
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    fn kept(text: &str) -> PasswordHash {
        hash(&NewPassword::new(text.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn the_right_password_is_right_and_others_are_wrong() {
        let hash = kept("correct horse");
        assert_eq!(verify(&password("correct horse"), Some(&hash)), Ok(Verdict::Right));
        for wrong in ["correct hors", "correct horse ", "", "Correct horse"] {
            assert_eq!(verify(&password(wrong), Some(&hash)), Ok(Verdict::Wrong), "{wrong}");
        }
        assert_eq!(PasswordHash::parse(hash.as_phc().to_owned()), Ok(hash));
    }

    #[test]
    fn hashes_have_the_recommended_parameters_and_a_salt_of_their_own() {
        let hash = kept("correct horse");
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_phc());
        assert_ne!(hash, kept("correct horse"));
    }

    #[test]
    fn an_unknown_user_costs_the_same_computation_and_is_wrong() {
        assert_eq!(verify(&password("anything"), None), Ok(Verdict::Wrong));
        let parsed = phc::PasswordHash::new(nobody().unwrap().as_phc()).unwrap();
        assert_eq!(is_current(&parsed), Ok(true));
        assert_eq!(nobody().unwrap(), nobody().unwrap());
    }

    #[test]
    fn a_hash_with_weaker_parameters_is_right_but_outdated() {
        let weak = Params::new(8, 1, 1, None).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, weak);
        let hash = argon2.hash_password_with_salt(b"correct horse", &[7; 16]).unwrap();
        let hash = PasswordHash::parse(hash.to_string()).unwrap();
        assert_eq!(verify(&password("correct horse"), Some(&hash)), Ok(Verdict::RightOutdated));
        assert_eq!(verify(&password("wrong horse"), Some(&hash)), Ok(Verdict::Wrong));
    }

    #[test]
    fn lengths_are_limited_in_the_right_units() {
        let new = |text: String| NewPassword::new(text).map(drop);
        assert_eq!(new("é".repeat(7)), Err(Error::TooShort));
        assert_eq!(new("é".repeat(8)), Ok(()));
        assert_eq!(new("é".repeat(512)), Ok(()));
        assert_eq!(new("é".repeat(513)), Err(Error::TooLong));
        assert!(matches!(Password::new("x".repeat(1_025)), Err(Error::TooLong)));
    }

    #[test]
    fn what_is_no_hash_is_unreadable() {
        for text in [
            "",
            "x",
            "$argon2id$v=19$m=19456,t=2,p=1",
            "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
        ] {
            assert_eq!(PasswordHash::parse(text.to_owned()), Err(Error::Unreadable), "{text}");
        }
    }

    #[test]
    fn nothing_prints_a_password_or_its_hash() {
        let new = NewPassword::new("correct horse".to_owned()).unwrap();
        assert_eq!(format!("{:?} {new:?}", password("correct horse")), "Password(..) NewPassword(..)");
        assert_eq!(format!("{:?}", kept("correct horse")), "PasswordHash(..)");
    }
}
