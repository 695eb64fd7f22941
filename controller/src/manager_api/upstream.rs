//! Where requests are passed on to, as whoever sent them: the API server, or the replica that leads. Nothing here has an
//! identity of its own, so nothing can be done with the controller's.

use super::caller::Caller;
use super::problem::Refusal;
use super::warning::warnings;
use crate::kube_io::CALL;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use kube::client::Body as ClientBody;
use kube::config::AuthInfo;
use kube::core::Status;
use kube::core::request::Error as RequestError;
use kube::{Client, Config};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::SocketAddr;

/// The largest answer that is read, in bytes; others are passed on as they come.
const LARGEST: usize = 8 * 1024 * 1024;

/// A server that takes requests of callers. Connections are shared by all of them.
#[derive(Clone)]
pub(super) struct Upstream {
    client: Client,
    /// How it is called in an error.
    name: &'static str,
}

/// What a server answered that did what was asked.
pub(super) struct Answer(Response<ClientBody>);

impl Upstream {
    /// The API server of this configuration.
    pub(super) fn api_server(mut config: Config) -> Result<Self, kube::Error> {
        config.auth_info = AuthInfo::default();
        config.headers = Vec::new();
        Self::new(config, "the API server")
    }

    /// The replica at this address, if one of these CAs (DER) has signed its certificate for `name`.
    pub(super) fn replica(at: SocketAddr, roots: Vec<Vec<u8>>, name: &str) -> Result<Self, String> {
        let url = format!("https://{at}").parse();
        let url = url.map_err(|error: axum::http::uri::InvalidUri| error.to_string())?;
        let mut config = Config::new(url);
        config.root_cert = Some(roots);
        config.tls_server_name = Some(name.to_owned());
        Self::new(config, "the replica that leads").map_err(|error| error.to_string())
    }

    fn new(mut config: Config, name: &'static str) -> Result<Self, kube::Error> {
        config.default_retry = false;
        config.connect_timeout = Some(CALL);
        config.read_timeout = Some(CALL);
        config.write_timeout = Some(CALL);
        let client = Client::try_from(config)?;
        Ok(Self { client, name })
    }

    /// Passes a request on, and whatever is answered back.
    pub(super) async fn send(
        &self,
        caller: &Caller,
        request: Request<Vec<u8>>,
    ) -> Result<Response<ClientBody>, Refusal> {
        let mut request = request.map(ClientBody::from);
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, caller.authorization());
        match tokio::time::timeout(CALL, self.client.send(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                tracing::warn!(%error, "{} cannot be asked", self.name);
                let error = format!("{} cannot be reached. Try again.", self.name);
                Err(Refusal::new(StatusCode::BAD_GATEWAY, error))
            }
            Err(_) => Err(self.late()),
        }
    }

    /// Passes a request on that the API server does or refuses.
    pub(super) async fn ask(
        &self,
        caller: &Caller,
        request: Result<Request<Vec<u8>>, RequestError>,
    ) -> Result<Answer, Refusal> {
        let request = request.map_err(|error| Refusal::bad_request(format!("cannot be asked: {error}.")))?;
        let response = self.send(caller, request).await?;
        let code = response.status();
        if code.is_success() {
            return Ok(Answer(response));
        }
        let body = self.read(response.into_body()).await?;
        // A proxy before the API server, or its authentication, may answer in other words.
        let status = serde_json::from_slice::<Status>(&body).unwrap_or_default();
        Err(if status.message.is_empty() {
            Refusal::new(code, format!("{} answers {code}.", self.name))
        } else {
            Refusal::of(code, &status)
        })
    }

    /// The same, where the answer is wanted as a value.
    pub(super) async fn ask_for<T: DeserializeOwned>(
        &self,
        caller: &Caller,
        request: Result<Request<Vec<u8>>, RequestError>,
    ) -> Result<T, Refusal> {
        let Answer(response) = self.ask(caller, request).await?;
        self.value(response).await
    }

    /// What an answer says, and what it warns of.
    pub(super) async fn read_with_warnings(&self, answer: Answer) -> Result<(Value, Vec<String>), Refusal> {
        let Answer(response) = answer;
        let warnings = warnings(response.headers());
        Ok((self.value(response).await?, warnings))
    }

    async fn value<T: DeserializeOwned>(&self, response: Response<ClientBody>) -> Result<T, Refusal> {
        let body = self.read(response.into_body()).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let error = format!("{} answers in words that are not understood: {error}.", self.name);
            Refusal::new(StatusCode::BAD_GATEWAY, error)
        })
    }

    async fn read(&self, body: ClientBody) -> Result<Bytes, Refusal> {
        let read = Limited::new(body, LARGEST).collect();
        match tokio::time::timeout(CALL, read).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) => {
                let error = format!("the answer of {} was cut off: {error}. Try again.", self.name);
                Err(Refusal::new(StatusCode::BAD_GATEWAY, error))
            }
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> Refusal {
        let error = format!(
            "{} did not answer within {} s. Try again.",
            self.name,
            CALL.as_secs()
        );
        Refusal::new(StatusCode::GATEWAY_TIMEOUT, error)
    }
}

impl Answer {
    /// The answer for the client: as it comes, and never whole in memory.
    pub(super) fn pass_on(self) -> Response<Body> {
        pass_on(self.0)
    }
}

/// Headers of an answer that are for the client.
static PASSED_ON: [HeaderName; 3] = [header::CONTENT_TYPE, header::RETRY_AFTER, header::WARNING];

/// An answer for the client.
pub(super) fn pass_on(response: Response<ClientBody>) -> Response<Body> {
    let (head, body) = response.into_parts();
    let mut passed = Response::new(Body::new(body));
    *passed.status_mut() = head.status;
    copy(&head.headers, passed.headers_mut());
    passed
}

fn copy(from: &HeaderMap<HeaderValue>, to: &mut HeaderMap<HeaderValue>) {
    for name in &PASSED_ON {
        for value in from.get_all(name) {
            to.append(name, value.clone());
        }
    }
}
