//! Exports, as browsers ask for them, agree to them and fetch them.

use jiff::SignedDuration;
use kernel::PracticeId;
use practice::exchange::archive::{Identity, Signer, verify};
use practice::exchange::export::{ALONE_WAITS, KEPT_FOR, go_on};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use store::Role;
use testkit::{PASSWORD, SignedInPerson};

use crate::browser::{Browser, Page};
use crate::patients::write_down;
use crate::site::Site;

const ASK: &str = "/practice/export/new";

/// A practice at work, with somebody in it whose codes are known.
struct Desk {
    site: Site,
    practice: PracticeId,
    owner: Worker,
}

struct Worker {
    person: SignedInPerson,
    browser: Browser,
}

impl std::ops::Deref for Worker {
    type Target = Browser;
    fn deref(&self) -> &Browser {
        &self.browser
    }
}

impl Desk {
    async fn open() -> Self {
        let site = Site::open().await;
        let practice = site.house.practice().await;
        let owner = worker(&site, practice, &[Role::Owner]).await;
        Self { site, practice, owner }
    }

    async fn with(&self, role: Role) -> Worker {
        worker(&self.site, self.practice, &[role]).await
    }

    /// What the program's loop does, by hand.
    async fn work_off(&self) {
        let store = &self.site.house.store;
        let signer = Signer::new("house.example", &[7; 32]).unwrap();
        while let Some(id) = store.due_work(self.practice).await.unwrap().first().copied() {
            let claim = store.claim(self.practice, id).await.unwrap().unwrap();
            let ended = go_on(store, &signer, &claim).await;
            store.settle(&claim, ended).await.unwrap();
        }
    }

    /// An export of the practice that is ready, asked for by its owner: its address.
    async fn ready(&self) -> String {
        let doctor = self.with(Role::Practitioner).await;
        write_down(&doctor, "Lindiwe", "Mokoena").await;
        let address = ask(&self.owner, ASK, &key()).await.location().to_owned();
        doctor.fill(&address, &format!("{address}/agree"), &[]).await.leads_to(&address);
        self.work_off().await;
        address
    }
}

async fn worker(site: &Site, practice: PracticeId, roles: &[Role]) -> Worker {
    let person = site.house.signed_in(practice, roles).await;
    let browser = site.browser();
    browser.set_cookie("__Host-session", person.cookie.expose());
    Worker { person, browser }
}

fn key() -> String {
    Identity::fresh().recipient().to_string()
}

async fn ask(browser: &Browser, path: &str, recipient: &str) -> Page {
    browser.fill(path, path, &[("purpose", "legal"), ("recipient", recipient)]).await
}

/// Bytes, as a download has them.
async fn download(browser: &Browser, path: &str, headers: &[(&'static str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = browser.ask(Method::GET, path).header("sec-fetch-site", "none");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.unwrap().to_vec())
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn an_owner_asks_a_second_person_agrees_and_the_archive_is_fetched_whole() {
    let desk = Desk::open().await;
    let doctor = desk.with(Role::Practitioner).await;
    write_down(&doctor, "Lindiwe", "Mokoena").await;
    let recipient = key();
    let address = ask(&desk.owner, ASK, &recipient).await.location().to_owned();
    let waiting = desk.owner.open(&address).await;
    for said in ["Waits for agreement", "somebody else of the practice agrees", recipient.as_str()] {
        assert!(waiting.body.contains(said), "{said}: {}", waiting.body);
    }
    assert!(
        !waiting.body.contains("/agree") && !waiting.body.contains("/refuse") && waiting.body.contains("/withdraw")
    );
    assert!(doctor.open("/practice/export").await.body.contains(&address));
    let page = doctor.open(&address).await;
    assert!(page.body.contains(&desk.owner.person.person.name), "who asked is told to who decides");
    doctor.send(&page, &format!("{address}/agree"), &[]).await.leads_to(&address);
    assert!(desk.owner.open(&address).await.body.contains("Being made"));
    desk.work_off().await;
    let ready = desk.owner.open(&address).await;
    assert!(ready.body.contains("Download the file") && ready.body.contains("house.example+"), "{}", ready.body);
    let (status, headers, bytes) = download(&desk.owner, &format!("{address}/archive"), &[]).await;
    assert_eq!((status, header(&headers, "accept-ranges")), (StatusCode::OK, "bytes"));
    assert_eq!(header(&headers, "content-length"), bytes.len().to_string());
    assert!(header(&headers, "content-disposition").starts_with("attachment; filename=\"export-"));
    assert_eq!(header(&headers, "cache-control"), "no-store");
    let signer = Signer::new("house.example", &[7; 32]).unwrap();
    verify(bytes.as_slice(), Some(signer.verifier())).unwrap();
    let house = &desk.site.house;
    for (action, count) in [("export.ask", 1), ("export.approve", 1), ("export.take", 1), ("export.taken", 1)] {
        // Looking how an archive is laid out is part of a page, and no event.
        assert!(house.logged(desk.practice, action).await >= count, "{action}");
    }
}

#[tokio::test]
async fn any_range_of_an_archive_is_that_range_and_a_download_goes_on_where_it_stopped() {
    let desk = Desk::open().await;
    let path = format!("{}/archive", desk.ready().await);
    let (_, headers, whole) = download(&desk.owner, &path, &[]).await;
    let tag = header(&headers, "etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20, "{tag}");
    let last = whole.len() - 1;
    for (range, from, until) in [
        ("bytes=0-0".to_owned(), 0, 1),
        ("bytes=500-1500".to_owned(), 500, 1501),
        (format!("bytes={}-", last - 700), last - 700, last + 1),
        ("bytes=-100".to_owned(), last - 99, last + 1),
        (format!("bytes=3000-{}", whole.len() + 10), 3000, last + 1),
    ] {
        let (status, headers, bytes) = download(&desk.owner, &path, &[("range", &range), ("if-range", &tag)]).await;
        assert_eq!(status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(header(&headers, "content-range"), format!("bytes {from}-{}/{}", until - 1, whole.len()));
        assert_eq!(header(&headers, "content-length"), (until - from).to_string());
        assert!(bytes == whole[from..until], "{range}");
    }
    let (status, headers, _) = download(&desk.owner, &path, &[("range", &format!("bytes={}-", whole.len()))]).await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(header(&headers, "content-range"), format!("bytes */{}", whole.len()));
    // Of another archive than the one that was begun, it begins again.
    let (status, _, bytes) = download(&desk.owner, &path, &[("range", "bytes=500-"), ("if-range", "\"other\"")]).await;
    assert!(status == StatusCode::OK && bytes == whole);
    let head = desk.owner.answer(desk.owner.ask(Method::HEAD, &path)).await;
    assert_eq!((head.status, head.header("content-length")), (StatusCode::OK, whole.len().to_string().as_str()));
}

#[tokio::test]
async fn who_asked_cannot_agree_whatever_they_send_and_refusing_ends_it() {
    let desk = Desk::open().await;
    let other = desk.with(Role::Administrator).await;
    let address = ask(&desk.owner, ASK, &key()).await.location().to_owned();
    let (csrf, once) = (desk.owner.token(Some(desk.practice)), desk.site.house.key().to_string());
    let fields = [("csrf", csrf.as_str()), ("once", once.as_str())];
    let refused = desk.owner.answer(desk.owner.post(&format!("{address}/agree"), &fields)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("somebody else must agree"), "{}", refused.body);
    desk.site.house.wait(SignedDuration::from_mins(5));
    desk.work_off().await;
    assert!(desk.owner.open(&address).await.body.contains("Waits for agreement"));
    let page = other.open(&address).await;
    other.send(&page, &format!("{address}/refuse"), &[]).await.leads_to(&address);
    assert!(desk.owner.open(&address).await.body.contains("It was refused, and nothing was made."));
    let late = other.send(&page, &format!("{address}/agree"), &[]).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(late.body.contains("could not be done any more"), "{}", late.body);
    let gone = desk.owner.open(&format!("{address}/archive")).await;
    assert_eq!(gone.status, StatusCode::GONE);
    assert!(gone.body.contains("cannot be downloaded"), "{}", gone.body);
}

#[tokio::test]
async fn where_nobody_could_agree_it_begins_after_a_day_and_is_gone_after_a_week() {
    let desk = Desk::open().await;
    let address = ask(&desk.owner, ASK, &key()).await.location().to_owned();
    assert!(desk.owner.open(&address).await.body.contains("There is nobody else who could agree"));
    desk.work_off().await;
    assert!(desk.owner.open(&address).await.body.contains("Waits for agreement"));
    desk.site.house.wait(ALONE_WAITS);
    desk.work_off().await;
    let again = desk.site.house.another_browser(&desk.owner.person.person).await.1;
    desk.owner.set_cookie("__Host-session", again.expose());
    assert!(desk.owner.open(&address).await.body.contains("Download the file"));
    desk.site.house.wait(KEPT_FOR);
    let again = desk.site.house.another_browser(&desk.owner.person.person).await.1;
    desk.owner.set_cookie("__Host-session", again.expose());
    let late = desk.owner.open(&format!("{address}/archive")).await;
    assert_eq!(late.status, StatusCode::GONE, "before anything was removed");
    desk.work_off().await;
    let over = desk.owner.open(&format!("{address}/archive")).await;
    assert_eq!(over.status, StatusCode::GONE);
    assert!(over.body.contains("Its time is over"), "{}", over.body);
}

#[tokio::test]
async fn a_practitioner_exports_one_record_alone_and_only_one_that_they_may_open() {
    let desk = Desk::open().await;
    let doctor = desk.with(Role::Practitioner).await;
    let colleague = desk.with(Role::Practitioner).await;
    let reception = desk.with(Role::Reception).await;
    let patient = write_down(&doctor, "Lindiwe", "Mokoena").await;
    let path = format!("{patient}/export");
    assert!(doctor.open(&patient).await.body.contains(&path));
    assert!(!reception.open(&patient).await.body.contains(&path));
    let form = doctor.open(&path).await;
    assert!(form.body.contains("It begins at once") && form.body.contains("Mokoena"), "{}", form.body);
    let address = ask(&doctor, &path, &key()).await.location().to_owned();
    desk.work_off().await;
    assert!(doctor.open(&address).await.body.contains("Download the file"));
    // The colleague sees that there is one, and gets nothing of it.
    assert!(!colleague.open(&address).await.body.contains("Download the file"));
    assert_eq!(colleague.open(&format!("{address}/archive")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(doctor.open(ASK).await.status, StatusCode::FORBIDDEN, "the whole practice is not theirs to ask for");
    assert_eq!(desk.owner.open(&path).await.status, StatusCode::FORBIDDEN, "nor one record an owner's");
    let refused = [&path, "/practice/export", ASK, &address, &format!("{address}/archive")].map(str::to_owned);
    for path in refused {
        assert_eq!(reception.open(&path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let (access, me) = (format!("{patient}/access"), doctor.person.person.id.to_string());
    doctor.fill(&access, &access, &[("person", me.as_str())]).await.leads_to(&patient);
    assert_eq!(colleague.open(&path).await.status, StatusCode::FORBIDDEN, "restricted since");
    assert_eq!(doctor.open(&path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_needs_a_recent_proof_asks_for_it_and_keeps_what_was_typed() {
    let desk = Desk::open().await;
    let doctor = desk.with(Role::Practitioner).await;
    desk.site.house.wait(SignedDuration::from_mins(11));
    let recipient = key();
    let form = desk.owner.open(ASK).await;
    assert!(form.body.contains("Show that it is you"));
    let fields = [("purpose", "legal"), ("recipient", recipient.as_str())];
    let missing = desk.owner.send(&form, ASK, &fields).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(missing.body.contains(&recipient) && missing.body.contains("value=\"legal\" selected"), "{}", missing.body);
    let house = &desk.site.house;
    for (password, code) in
        [("not my password", house.code(&desk.owner.person.person)), (PASSWORD, "000000".to_owned())]
    {
        let mut sent = fields.to_vec();
        sent.extend([("password", password), ("code", code.as_str())]);
        let wrong = desk.owner.send(&desk.owner.open(ASK).await, ASK, &sent).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{password}");
        assert!(!wrong.body.contains(password), "a password is shown to nobody");
    }
    assert!(desk.owner.open("/practice/export").await.body.contains("Nobody has asked"));
    let code = house.code(&desk.owner.person.person);
    let mut sent = fields.to_vec();
    sent.extend([("password", PASSWORD), ("code", code.as_str())]);
    let address = desk.owner.send(&form, ASK, &sent).await.location().to_owned();
    assert!(!desk.owner.open(ASK).await.body.contains("Show that it is you"), "it holds for ten minutes");

    // Agreeing, too; and fetching.
    let page = doctor.open(&address).await;
    let agree = format!("{address}/agree");
    assert_eq!(doctor.send(&page, &agree, &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let code = house.code(&doctor.person.person);
    doctor.send(&page, &agree, &[("password", PASSWORD), ("code", &code)]).await.leads_to(&address);
    desk.work_off().await;
    house.wait(SignedDuration::from_mins(11));
    let archive = format!("{address}/archive");
    let asked = desk.owner.open(&archive).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert!(asked.body.contains("Show first that it is you") && !asked.body.contains("Download the file"));
    let code = house.code(&desk.owner.person.person);
    let prove = format!("{address}/prove");
    desk.owner.send(&asked, &prove, &[("password", PASSWORD), ("code", &code)]).await.leads_to(&address);
    assert_eq!(download(&desk.owner, &archive, &[]).await.0, StatusCode::OK);
    // The same form sent again proves nothing anew.
    house.wait(SignedDuration::from_mins(11));
    let again = desk.owner.send(&asked, &prove, &[("password", PASSWORD), ("code", &code)]).await;
    assert_ne!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(download(&desk.owner, &archive, &[]).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_key_pair_is_given_once_as_a_file_and_fits() {
    let desk = Desk::open().await;
    let made = desk.owner.fill(ASK, "/practice/export/key", &[]).await;
    assert_eq!(made.status, StatusCode::OK);
    assert_eq!(made.header("cache-control"), "no-store");
    assert!(made.header("content-disposition").starts_with("attachment;"));
    let identity = Identity::in_text(&made.body).unwrap();
    let public = made.body.split_whitespace().find(|word| word.starts_with("age1")).unwrap();
    assert_eq!(identity.recipient().to_string(), public);
    let other = desk.owner.fill(ASK, "/practice/export/key", &[]).await;
    assert_ne!(other.body, made.body);
    // Pasted into the wrong place, the secret half is refused, and the page says why.
    let secret = identity.text().expose().clone();
    let refused = ask(&desk.owner, ASK, &secret).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("This is the secret key"));
    let wrong = ask(&desk.owner, ASK, "age1 nonsense").await;
    assert!(wrong.body.contains("age1 nonsense") && wrong.body.contains("whole public key"));
}

#[tokio::test]
async fn another_practice_sees_nothing_of_an_export() {
    let desk = Desk::open().await;
    let address = desk.ready().await;
    let elsewhere = desk.site.house.practice().await;
    let stranger = worker(&desk.site, elsewhere, &[Role::Owner, Role::Practitioner]).await;
    assert!(stranger.open("/practice/export").await.body.contains("Nobody has asked"));
    for path in [address.clone(), format!("{address}/archive")] {
        assert_eq!(stranger.open(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let csrf = stranger.token(Some(elsewhere));
    for act in ["agree", "refuse", "withdraw"] {
        let once = desk.site.house.key().to_string();
        let fields = [("csrf", csrf.as_str()), ("once", once.as_str())];
        let answer = stranger.answer(stranger.post(&format!("{address}/{act}"), &fields)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{act}");
    }
}

#[tokio::test]
async fn what_is_taken_back_or_no_longer_theirs_ends_a_download_too() {
    let desk = Desk::open().await;
    let address = desk.ready().await;
    let administrator = desk.with(Role::Administrator).await;
    let archive = format!("{address}/archive");
    assert_eq!(download(&administrator, &archive, &[]).await.0, StatusCode::OK, "who runs the practice fetches any");
    let withdraw = format!("{address}/withdraw");
    let (csrf, once) = (administrator.token(Some(desk.practice)), desk.site.house.key().to_string());
    let fields = [("csrf", csrf.as_str()), ("once", once.as_str())];
    let theirs = administrator.answer(administrator.post(&withdraw, &fields)).await;
    assert_eq!(theirs.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(theirs.body.contains("Only who asked for it"), "{}", theirs.body);
    desk.owner.fill(&address, &withdraw, &[]).await.leads_to(&address);
    let (status, _, body) = download(&administrator, &archive, &[("range", "bytes=500-")]).await;
    assert_eq!(status, StatusCode::GONE);
    assert!(String::from_utf8_lossy(&body).contains("Taken back"));
}
