//! `/`: the summary for people. One page, its style and its script, from the binary: nothing of it comes from elsewhere,
//! and nothing else may run in it.

use super::serving::Serving;
use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;

/// What a browser lets the page do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /`
pub(super) async fn serve() -> impl IntoResponse {
    asset("text/html; charset=utf-8", include_str!("page/index.html"))
}

/// What the page brings with it.
pub(super) fn assets() -> Router<Arc<Serving>> {
    let style = || async { asset("text/css; charset=utf-8", include_str!("page/page.css")) };
    let script = || async { asset("text/javascript; charset=utf-8", include_str!("page/page.js")) };
    Router::new()
        .route("/page.css", get(style))
        .route("/page.js", get(script))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let head = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // Another version may answer the next time.
        (CACHE_CONTROL, "no-cache"),
    ];
    (head, text)
}

#[cfg(test)]
mod tests {
    /// The policy would stop it; here it is told why.
    #[test]
    fn nothing_of_the_page_comes_from_elsewhere_or_stands_inline() {
        let page = include_str!("page/index.html");
        for text in [page, include_str!("page/page.css"), include_str!("page/page.js")] {
            assert!(
                !text.contains("http://") && !text.contains("https://") && !text.contains("url("),
                "{text}"
            );
        }
        for inline in ["<style", "style=", "onclick", "onload", "javascript:"] {
            assert!(!page.contains(inline), "{inline}");
        }
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script src=").count()
        );
    }
}
