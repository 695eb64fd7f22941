//! The stream of a watch: one line of JSON for each piece of news, counted, and late, cut or ended as the fault
//! says.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use futures::{Stream, StreamExt, stream};
use http::StatusCode;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use serde::Deserialize;
use serde_json::json;

use super::fault::{NewsFault, status_of};
use super::ledger::News;
use super::relay::Body;
use super::switch::Switch;

/// More lines than any watch has under way: a stream that is late still reads on.
const UNDER_WAY: usize = 10_000;

/// Passes the news of one watch on.
pub(super) fn pass_on(switch: Arc<Switch>, resource: String, body: kube::client::Body) -> Body {
    let delay = switch.delay();
    let late = lines(body).map(move |line| {
        let due = tokio::time::Instant::now() + delay;
        async move {
            tokio::time::sleep_until(due).await;
            line
        }
    });
    let frames = stream::unfold(Some(late.buffered(UNDER_WAY).boxed()), move |state| {
        let (switch, resource) = (switch.clone(), resource.clone());
        async move {
            let mut lines = state?;
            let line = match lines.next().await? {
                Ok(line) => line,
                Err(error) => return Some((Err(error), None)),
            };
            let fault = news(&resource, &line).and_then(|news| switch.meet_news(news));
            Some(match fault {
                None => (Ok(line), Some(lines)),
                Some(NewsFault::Cut) => (Err(anyhow!("the watch is cut")), None),
                Some(NewsFault::Gone) => (Ok(gone()), None),
            })
        }
    });
    StreamBody::new(frames.map(|line: Result<Bytes>| line.map(Frame::data))).boxed_unsync()
}

fn gone() -> Bytes {
    format!(
        "{}\n",
        json!({"type": "ERROR", "object": status_of(StatusCode::GONE)})
    )
    .into()
}

/// The lines of a body as they come, each with its end.
fn lines(body: kube::client::Body) -> impl Stream<Item = Result<Bytes>> {
    stream::unfold(Some((body, Vec::new())), |state| async {
        let (mut body, mut held): (_, Vec<u8>) = state?;
        loop {
            if let Some(end) = held.iter().position(|&byte| byte == b'\n') {
                let rest = held.split_off(end + 1);
                return Some((Ok(Bytes::from(held)), Some((body, rest))));
            }
            match body.frame().await {
                Some(Ok(frame)) => held.extend(frame.into_data().unwrap_or_default()),
                Some(Err(error)) => return Some((Err(anyhow!(error)), None)),
                None => return None,
            }
        }
    })
}

/// What a line tells; none if it is a bookmark, or an error.
fn news(resource: &str, line: &[u8]) -> Option<News> {
    #[derive(Deserialize)]
    struct Line {
        r#type: String,
        object: Object,
    }
    #[derive(Deserialize)]
    struct Object {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        name: Option<String>,
    }
    let line: Line = serde_json::from_slice(line).ok()?;
    let told = ["ADDED", "MODIFIED", "DELETED"].contains(&line.r#type.as_str());
    told.then(|| News {
        kind: line.r#type,
        resource: resource.to_owned(),
        name: line.object.metadata.name.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_told_one_by_one_however_they_are_cut() {
        let pieces = ["{\"a\"", ":1}\n{}\n", "{\"b\":2}", "\n"];
        let body = kube::client::Body::from(pieces.concat().into_bytes());
        let lines: Vec<_> = lines(body).map(|line| line.unwrap()).collect().await;
        assert_eq!(lines, ["{\"a\":1}\n", "{}\n", "{\"b\":2}\n"]);
    }

    #[test]
    fn bookmarks_and_errors_are_no_news() {
        let line =
            |kind: &str| format!("{{\"type\":\"{kind}\",\"object\":{{\"metadata\":{{\"name\":\"x\"}}}}}}\n");
        assert_eq!(
            news("pods", line("ADDED").as_bytes()).unwrap().to_string(),
            "ADDED pods x"
        );
        assert_eq!(news("pods", line("BOOKMARK").as_bytes()), None);
        assert_eq!(news("pods", line("ERROR").as_bytes()), None);
    }
}
