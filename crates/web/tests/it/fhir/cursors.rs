use jiff::SignedDuration;
use reqwest::StatusCode;

use super::{MASKED, Program, matched, next, somebody};
use crate::site::Site;

#[tokio::test]
async fn page_after_page_everybody_is_shown_once() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let mut made = Vec::new();
    for given in ["Ana", "Ben", "Cas", "Dan", "Eva"] {
        made.push(program.add(&somebody(given, "Paged")).await["id"].as_str().unwrap().to_owned());
    }
    // Of those made in one moment any may be the newest.
    made.sort();
    made.reverse();
    for first in ["Patient?family=paged&_count=2", "Patient?_count=2", "Patient?family=paged,nobody&_count=2"] {
        let (mut path, mut seen, mut pages) = (Some(first.to_owned()), Vec::new(), 0);
        while let Some(here) = path {
            let bundle = program.json(&here).await;
            assert!(bundle.get("total").is_none(), "{bundle}");
            seen.extend(matched(&bundle));
            path = next(&bundle);
            pages += 1;
            assert!(path.as_ref().is_none_or(|path| !path.to_lowercase().contains("paged")), "{path:?}");
        }
        assert_eq!((&seen, pages), (&made, 3), "{first}");
    }
    let whole = program.json("Patient?family=paged").await;
    assert_eq!((whole["total"].as_u64(), next(&whole)), (Some(5), None));
}

#[tokio::test]
async fn a_cursor_is_good_for_the_one_who_got_it_here_for_this_and_for_an_hour() {
    let site = Site::open().await;
    let (practice, other) = (site.house.practice().await, site.house.practice().await);
    let program = Program::of(&site, practice, MASKED).await;
    let beside = Program::of(&site, practice, MASKED).await;
    let elsewhere = Program::of(&site, other, MASKED).await;
    for given in ["Ana", "Ben", "Cas"] {
        program.add(&somebody(given, "Bound")).await;
        elsewhere.add(&somebody(given, "Bound")).await;
    }
    let bundle = program.json("Patient?family=bound&_count=1").await;
    let url = next(&bundle).unwrap();
    let cursor = url.split_once("_cursor=").unwrap().1.to_owned();
    let path = format!("Patient?_cursor={cursor}");
    assert_eq!(program.get(&path).await.status, StatusCode::OK);
    let altered = |at: usize| {
        let mut letters: Vec<char> = cursor.chars().collect();
        letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
        letters.into_iter().collect::<String>()
    };
    let mut refused = vec![
        beside.get(&path).await,
        elsewhere.get(&path).await,
        program.get(&format!("Organization?_cursor={cursor}")).await,
        program.get("Patient?_cursor=").await,
        program.get("Patient?_cursor=AAAA").await,
        program.get(&format!("Patient?_cursor={}", "A".repeat(20_000))).await,
    ];
    for at in [0, 5, 30, cursor.len() / 2, cursor.len() - 2] {
        refused.push(program.get(&format!("Patient?_cursor={}", altered(at))).await);
    }
    for page in &refused {
        let known = page.status == StatusCode::BAD_REQUEST || page.status == StatusCode::URI_TOO_LONG;
        assert!(known, "{} {}", page.status, page.body);
        assert!(!page.body.contains("Bound"));
    }
    assert_eq!(refused[0].body, refused[1].body);
    assert_eq!(refused[0].body, refused[6].body);
    let with_more = program.get(&format!("{path}&family=other")).await;
    assert_eq!(with_more.status, StatusCode::BAD_REQUEST);
    site.house.wait(SignedDuration::from_mins(61));
    assert_eq!(program.get(&path).await.status, StatusCode::BAD_REQUEST);
}
