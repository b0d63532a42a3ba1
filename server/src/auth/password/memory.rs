//! The memory that argon2id fills, 19 MiB each time: kept and used again. Given back and asked for anew at every sign-in,
//! the allocator would keep hundreds of megabytes of it.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{CustomizedPasswordHasher, PasswordHasher, Result};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Memory that is not being filled. As many pieces as there ever were sign-ins at the same time.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl Memory {
    /// How many pieces there are that are not being filled.
    #[cfg(test)]
    pub(super) fn pieces(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// A piece of it, until the hasher is dropped.
    pub(super) fn lend(&self) -> InMemory {
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        InMemory {
            blocks: RefCell::new(pieces.pop().unwrap_or_default()),
            from: self.clone(),
        }
    }
}

/// argon2id, in a piece of memory that was there before.
pub(super) struct InMemory {
    blocks: RefCell<Vec<Block>>,
    from: Memory,
}

impl Drop for InMemory {
    fn drop(&mut self) {
        let mut pieces = self.from.0.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.push(self.blocks.take());
    }
}

impl PasswordHasher<PasswordHash> for InMemory {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> Result<PasswordHash> {
        self.hash_password_customized(password, salt, None, None, Params::default())
    }
}

/// What it takes to verify, too: the library does that with whatever hashes.
impl CustomizedPasswordHasher<PasswordHash> for InMemory {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?;
        let version = version.map(Version::try_from).transpose()?;
        let (algorithm, version) = (algorithm.unwrap_or_default(), version.unwrap_or_default());
        let mut blocks = self.blocks.borrow_mut();
        if blocks.len() < params.block_count() {
            blocks.resize(params.block_count(), Block::new());
        }
        let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let salt = Salt::new(salt)?;
        Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(
            password,
            &salt,
            &mut output,
            &mut blocks[..],
        )?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(salt),
            hash: Some(Output::new(&output)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordVerifier as _;

    use super::*;

    #[test]
    fn it_is_the_librarys_hash_whatever_was_in_the_memory() {
        let memory = Memory::default();
        for password in ["correct horse", "battery staple", ""] {
            let ours = memory.lend();
            let salt = b"a salt of 16 B..";
            let hash = ours
                .hash_password_with_salt(password.as_bytes(), salt)
                .unwrap();
            let theirs = Argon2::default()
                .hash_password_with_salt(password.as_bytes(), salt)
                .unwrap();
            assert_eq!(hash.to_string(), theirs.to_string());
            assert!(ours.verify_password(password.as_bytes(), &theirs).is_ok());
            assert!(ours.verify_password(b"another", &theirs).is_err());
            assert!(
                Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
            );
        }
        assert_eq!(memory.pieces(), 1, "the same, each time");
    }

    #[test]
    fn hashes_with_other_parameters_are_verified_with_theirs() {
        let memory = Memory::default();
        for (kib, rounds, lanes) in [(64, 1, 1), (40_000, 1, 2), (256, 3, 4)] {
            let params = Params::new(kib, rounds, lanes, None).unwrap();
            let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_with_salt(b"secret", b"a salt of 16 B..")
                .unwrap();
            let ours = memory.lend();
            assert!(ours.verify_password(b"secret", &hash).is_ok());
            assert!(ours.verify_password(b"secreT", &hash).is_err());
        }
    }
}
