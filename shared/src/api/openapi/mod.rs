//! The OpenAPI 3.1 document, built from the contract table. Only under feature `openapi`: no deployed binary has it.

mod examples;
mod parameters;
mod responses;
mod schemas;

use std::collections::BTreeSet;

use utoipa::ToSchema;
use utoipa::openapi::path::{OperationBuilder, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, HttpMethod, Info, OpenApi, OpenApiBuilder,
    PathsBuilder, Ref, RefOr, Required, Schema,
};

use crate::api::{Access, Method, Op};

/// The document while it is built.
pub(crate) struct Document {
    paths: PathsBuilder,
    schemas: Vec<(String, RefOr<Schema>)>,
    /// Names of the schemas that requests use.
    inputs: BTreeSet<String>,
}

fn register<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) -> RefOr<Schema> {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

/// A JSON body of type `T`, with an example.
fn json<T: ToSchema>(schema: RefOr<Schema>) -> Content {
    ContentBuilder::new()
        .schema(Some(schema))
        .example(examples::of(&T::name()))
        .build()
}

impl Document {
    pub(crate) fn new() -> Self {
        let mut schemas = Vec::new();
        register::<crate::problem::Problem>(&mut schemas);
        register::<crate::event::Event>(&mut schemas);
        register::<crate::event::Snapshot>(&mut schemas);
        register::<crate::event::Reset>(&mut schemas);
        Self {
            paths: PathsBuilder::new(),
            schemas,
            // A preset names only what differs from the default, wherever it is.
            inputs: BTreeSet::from(["Preset".to_owned()]),
        }
    }

    /// Adds an operation. The first line of `doc` is its summary, the others are its description.
    pub(crate) fn add<Req: ToSchema + 'static, Resp: ToSchema + 'static>(
        &mut self,
        op: Op,
        doc: &[&str],
    ) {
        let (summary, description) = doc.split_first().unwrap_or((&"", &[]));
        let description = description.concat();
        let mut operation = OperationBuilder::new()
            .operation_id(Some(op.name()))
            .tag(tag(op))
            .summary(Some(summary.trim()))
            .description((!description.is_empty()).then(|| description.trim().to_owned()));
        for parameter in parameters::of(op) {
            operation = operation.parameter(parameter);
        }
        if op.has_body() {
            let known = self.schemas.len();
            let schema = register::<Req>(&mut self.schemas);
            let added = self.schemas.iter().skip(known);
            self.inputs.extend(added.map(|(name, _)| name.clone()));
            let required = if is_body_optional(op) {
                Required::False
            } else {
                Required::True
            };
            let body = RequestBodyBuilder::new()
                .content("application/json", json::<Req>(schema))
                .required(Some(required));
            operation = operation.request_body(Some(body.build()));
        }
        let success = responses::success::<Resp>(op, &mut self.schemas);
        operation = operation.response(op.status().to_string(), success);
        for (status, response) in responses::others(op) {
            operation = operation.response(status, response);
        }
        operation = secured(op, operation);
        let method = match op.method() {
            Method::Get => HttpMethod::Get,
            Method::Post => HttpMethod::Post,
            Method::Delete => HttpMethod::Delete,
        };
        let path = op.path().replace("{*", "{");
        self.paths = std::mem::take(&mut self.paths).path(path, PathItem::new(method, operation));
    }

    pub(crate) fn finish(mut self) -> OpenApi {
        for (name, schema) in &mut self.schemas {
            schemas::tidy(schema, self.inputs.contains(name));
        }
        let mut info = Info::new("Ferrotype", "1");
        info.description = Some(
            "Media at the edge: signed uploads, image variants, video and audio renditions, and one stream of events."
                .to_owned(),
        );
        let bearer = SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .build(),
        );
        let mut components = ComponentsBuilder::new()
            .schemas_from_iter(self.schemas)
            .security_scheme("bearer", bearer);
        for (name, header) in responses::headers() {
            components = components.header(name, header);
        }
        for (name, response) in responses::shared() {
            components = components.response(name, response);
        }
        OpenApiBuilder::new()
            .info(info)
            .paths(self.paths)
            .components(Some(components.build()))
            .build()
    }
}

/// `complete` and `pull` may be called without a body; every other body is required.
const fn is_body_optional(op: Op) -> bool {
    matches!(op, Op::CompleteAsset | Op::PullMessages)
}

/// The group that a reader of the document finds an operation in.
const fn tag(op: Op) -> &'static str {
    match op {
        Op::CreateAsset
        | Op::ListAssets
        | Op::GetAsset
        | Op::DeleteAsset
        | Op::CompleteAsset
        | Op::RenewUpload
        | Op::GetOriginal
        | Op::GetPlayback
        | Op::GetLimits => "assets",
        Op::ListJobs | Op::GetJob | Op::CancelJob | Op::RedriveJob => "jobs",
        Op::StreamEvents | Op::CreateTicket => "events",
        Op::RegisterWorker
        | Op::PullMessages
        | Op::AckMessages
        | Op::ClaimJob
        | Op::HeartbeatJob
        | Op::FinishJob
        | Op::FailJob
        | Op::ReleaseJob => "native workers",
        Op::ListWorkers | Op::DrainWorker | Op::GetBacklog => "administration",
        Op::GetMedia | Op::GetStream => "files",
        Op::Healthz | Op::Readyz | Op::Version => "health",
    }
}

/// The operation with who may call it.
fn secured(op: Op, operation: OperationBuilder) -> OperationBuilder {
    let no_scopes: [String; 0] = [];
    let bearer = SecurityRequirement::new("bearer", no_scopes);
    match op.access() {
        Access::Public => operation,
        Access::Mixed | Access::Ticket => operation
            .security(bearer)
            .security(SecurityRequirement::default()),
        Access::User | Access::Worker | Access::Admin => operation.security(bearer),
    }
}
