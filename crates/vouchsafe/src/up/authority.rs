//! A certificate authority for this machine alone, so that a browser trusts the demonstration without
//! trusting anybody else. It can vouch for `localhost` and nothing more, even if its key is stolen.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use kernel::Secret;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use serde::{Deserialize, Serialize};

use crate::application::Tls;
use crate::failure::Failure;

const NAME: &str = "Vouchsafe local CA";
const AUTHORITY_YEARS: i64 = 10;
/// Browsers take no server's certificate that is good for longer than 398 days.
const LEAF_DAYS: i64 = 390;
/// One that ends sooner than this is made anew at a start.
const RENEW_DAYS: i64 = 30;

/// The folder of the authority.
pub(crate) struct Authority {
    folder: PathBuf,
}

/// The server's certificate as it is kept.
#[derive(Serialize, Deserialize)]
struct Leaf {
    certificate: String,
    key: Secret<String>,
    renew_at: Timestamp,
    /// Which authority vouched for it.
    authority: String,
}

impl Authority {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The authority's certificate, for browsers.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("vouchsafe-local-ca.crt")
    }

    fn key(&self) -> PathBuf {
        self.folder.join("vouchsafe-local-ca.key")
    }

    fn leaf(&self) -> PathBuf {
        self.folder.join("localhost.json")
    }

    /// The certificate of `localhost`, made (and the authority made) when it is missing or ends soon.
    pub(crate) fn localhost(&self, now: Timestamp) -> Result<Tls, Failure> {
        let (authority, key) = self.ensure(now)?;
        let known = std::fs::read(self.leaf()).ok().and_then(|bytes| serde_json::from_slice::<Leaf>(&bytes).ok());
        if let Some(leaf) = known.filter(|leaf| leaf.authority == authority && now < leaf.renew_at) {
            return Ok(Tls::new(leaf.certificate, leaf.key));
        }
        let issuer = Issuer::from_ca_cert_pem(&authority, key).map_err(|error| bad(&error))?;
        let leaf_key = KeyPair::generate().map_err(|error| bad(&error))?;
        let certificate = leaf_params(now)?.signed_by(&leaf_key, &issuer).map_err(|error| bad(&error))?;
        let leaf = Leaf {
            certificate: certificate.pem() + &authority,
            key: Secret::new(leaf_key.serialize_pem()),
            renew_at: days(now, LEAF_DAYS - RENEW_DAYS)?,
            authority,
        };
        let bytes = serde_json::to_vec(&leaf).map_err(|error| Failure::said(error.to_string()))?;
        put(&self.leaf(), &bytes, 0o600)?;
        Ok(Tls::new(leaf.certificate, leaf.key))
    }

    fn ensure(&self, now: Timestamp) -> Result<(String, KeyPair), Failure> {
        let read = |path: &Path| std::fs::read_to_string(path).map_err(Failure::io("cannot read", path));
        if self.certificate().exists() && self.key().exists() {
            let key = Secret::new(read(&self.key())?);
            let key = KeyPair::from_pem(key.expose()).map_err(|error| bad(&error))?;
            return Ok((read(&self.certificate())?, key));
        }
        let key = KeyPair::generate().map_err(|error| bad(&error))?;
        let certificate = authority_params(now)?.self_signed(&key).map_err(|error| bad(&error))?;
        // The key first: a certificate without it would be trusted and of no use.
        put(&self.key(), Secret::new(key.serialize_pem()).expose().as_bytes(), 0o600)?;
        put(&self.certificate(), certificate.pem().as_bytes(), 0o644)?;
        Ok((certificate.pem(), key))
    }
}

fn authority_params(now: Timestamp) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::new(Vec::new()).map_err(|error| bad(&error))?;
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
            GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(Ipv6Addr::LOCALHOST.octets(), 128)),
        ],
        excluded_subtrees: Vec::new(),
    });
    lasting(&mut params, now, days(now, AUTHORITY_YEARS * 365)?);
    Ok(params)
}

fn leaf_params(now: Timestamp) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).map_err(|error| bad(&error))?;
    for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    lasting(&mut params, now, days(now, LEAF_DAYS)?);
    Ok(params)
}

/// Whole days, and from yesterday: another clock may be behind ours.
fn lasting(params: &mut CertificateParams, from: Timestamp, until: Timestamp) {
    let day = |at: Timestamp| {
        let date = at.to_zoned(TimeZone::UTC).date();
        rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = day(from.saturating_sub(24.hours()).unwrap_or(from));
    params.not_after = day(until);
}

fn days(from: Timestamp, days: i64) -> Result<Timestamp, Failure> {
    from.checked_add((days * 24).hours()).map_err(|error| Failure::said(format!("the clock is wrong: {error}")))
}

fn bad(error: &rcgen::Error) -> Failure {
    Failure::said(format!("the local certificate authority: {error}"))
}

/// Whole or not at all.
fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let beside = path.with_extension("new");
    let write = || {
        // What a killed run left may have another mode.
        let _ = std::fs::remove_file(&beside);
        let mut file = OpenOptions::new().create_new(true).write(true).mode(mode).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(Failure::io("cannot write", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn text(tls: &Tls) -> String {
        serde_json::to_string(tls).unwrap()
    }

    #[test]
    fn the_certificate_stays_the_same_until_it_ends_soon() {
        let place = tempfile::tempdir().unwrap();
        let authority = Authority::in_folder(place.path());
        let first = text(&authority.localhost(now()).unwrap());
        let ca = std::fs::read(authority.certificate()).unwrap();
        let later = now() + (300 * 24).hours();
        assert_eq!(text(&authority.localhost(later).unwrap()), first);
        let end = now() + (361 * 24).hours();
        assert_ne!(text(&authority.localhost(end).unwrap()), first);
        assert_eq!(std::fs::read(authority.certificate()).unwrap(), ca, "the authority is trusted and stays");
    }

    #[test]
    fn the_keys_are_for_their_owner_alone() {
        let place = tempfile::tempdir().unwrap();
        let authority = Authority::in_folder(place.path());
        authority.localhost(now()).unwrap();
        let mode = |path: PathBuf| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(authority.key()), mode(authority.leaf())), (0o600, 0o600));
        assert_eq!(mode(authority.certificate()), 0o644);
    }

    #[test]
    fn a_new_authority_vouches_anew() {
        let place = tempfile::tempdir().unwrap();
        let authority = Authority::in_folder(place.path());
        let first = text(&authority.localhost(now()).unwrap());
        std::fs::remove_file(authority.key()).unwrap();
        assert_ne!(text(&authority.localhost(now()).unwrap()), first);
    }
}
