//! The OpenAPI 3.1 document, built from the contract table. Only with feature `openapi`, which no deployed binary enables.

use std::collections::BTreeSet;

use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, HttpMethod, Info, ObjectBuilder, OpenApi,
    OpenApiBuilder, PathsBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema, Type,
    schema::SchemaType,
};
use utoipa::{PartialSchema as _, ToSchema};

use crate::api::{Access, Answer, LIMIT_DEFAULT, LIMIT_MAX, Method, Op};
use crate::asset::AssetState;
use crate::id::{AssetId, JobId};
use crate::job::JobState;
use crate::kind::AssetKind;

/// Builder of the document.
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

fn is_unit<T: 'static>() -> bool {
    std::any::TypeId::of::<T>() == std::any::TypeId::of::<()>()
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
            inputs: BTreeSet::new(),
        }
    }

    pub(crate) fn add<Req: ToSchema + 'static, Resp: ToSchema + 'static>(
        &mut self,
        op: Op,
        doc: &str,
    ) {
        let mut operation = with_parameters(op).summary(Some(doc.trim()));
        if !is_unit::<Req>() {
            let known = self.schemas.len();
            let schema = register::<Req>(&mut self.schemas);
            let added = self.schemas.iter().skip(known);
            self.inputs.extend(added.map(|(name, _)| name.clone()));
            // `complete` and `pull` may be called without a body; every other body is required.
            let required = if matches!(op, Op::CompleteAsset | Op::PullMessages) {
                Required::False
            } else {
                Required::True
            };
            let body = RequestBodyBuilder::new()
                .content("application/json", Content::new(Some(schema)))
                .required(Some(required));
            operation = operation.request_body(Some(body.build()));
        }
        if op.answer() == Answer::Bytes {
            for (status, description) in [
                ("206", "The requested range"),
                ("304", "Not modified"),
                ("412", "Precondition failed"),
                ("416", "Range not satisfiable"),
            ] {
                operation = operation.response(
                    status,
                    ResponseBuilder::new().description(description).build(),
                );
            }
        }
        operation = operation.response(op.status().to_string(), self.success::<Resp>(op));
        let problem = Content::new(Some(RefOr::Ref::<Schema>(Ref::from_schema_name("Problem"))));
        operation = operation.response(
            "default",
            ResponseBuilder::new()
                .description("A problem")
                .content("application/problem+json", problem)
                .build(),
        );
        operation = match op.access() {
            Access::Public => operation,
            Access::Mixed | Access::Ticket => operation
                .security(SecurityRequirement::new("bearer", no_scopes()))
                .security(SecurityRequirement::default()),
            Access::User | Access::Worker | Access::Admin => {
                operation.security(SecurityRequirement::new("bearer", no_scopes()))
            }
        };
        let method = match op.method() {
            Method::Get => HttpMethod::Get,
            Method::Post => HttpMethod::Post,
            Method::Delete => HttpMethod::Delete,
        };
        let path = op.path().replace("{*", "{");
        self.paths = std::mem::take(&mut self.paths).path(path, PathItem::new(method, operation));
    }

    fn success<Resp: ToSchema + 'static>(&mut self, op: Op) -> Response {
        let description = match op.answer() {
            Answer::Json | Answer::Bytes => "Success",
            Answer::Empty => "Success, without a body",
            Answer::EventStream => {
                "Server-sent events; the data of each is an Event, a Snapshot or a Reset"
            }
        };
        let response = ResponseBuilder::new().description(description);
        match op.answer() {
            Answer::Json => response.content(
                "application/json",
                Content::new(Some(register::<Resp>(&mut self.schemas))),
            ),
            Answer::Empty => response,
            Answer::EventStream => {
                response.content("text/event-stream", ContentBuilder::new().build())
            }
            Answer::Bytes => {
                response.content("application/octet-stream", ContentBuilder::new().build())
            }
        }
        .build()
    }

    pub(crate) fn finish(mut self) -> OpenApi {
        for (name, schema) in &mut self.schemas {
            if !self.inputs.contains(name) {
                require_nullable(schema);
            }
        }
        let mut info = Info::new("Ferrotype", "1");
        info.description = Some(
            "Media processing at the edge: signed uploads, image variants, video and audio renditions, and a resumable event stream per user."
                .to_owned(),
        );
        let bearer = SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .build(),
        );
        let components = ComponentsBuilder::new()
            .schemas_from_iter(self.schemas)
            .security_scheme("bearer", bearer)
            .build();
        OpenApiBuilder::new()
            .info(info)
            .paths(self.paths)
            .components(Some(components))
            .build()
    }
}

/// Requires every member that can be `null`: an answer always has it. (utoipa treats an `Option` as a member that may be
/// missing, which is true of requests only.)
fn require_nullable(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema {
        let nullable = object
            .properties
            .iter()
            .filter(|(name, member)| is_nullable(member) && !object.required.contains(name));
        let names: Vec<String> = nullable.map(|(name, _)| name.clone()).collect();
        object.required.extend(names);
    }
}

fn is_nullable(schema: &RefOr<Schema>) -> bool {
    match schema {
        RefOr::T(Schema::Object(object)) => match &object.schema_type {
            SchemaType::Type(one) => *one == Type::Null,
            SchemaType::Array(several) => several.contains(&Type::Null),
            SchemaType::AnyValue => false,
        },
        RefOr::T(Schema::OneOf(options)) => options.items.iter().any(is_nullable),
        RefOr::T(_) | RefOr::Ref(_) => false,
    }
}

/// Starts an operation with its name and parameters.
fn with_parameters(op: Op) -> OperationBuilder {
    let mut operation = OperationBuilder::new().operation_id(Some(op.name()));
    let names = op
        .path()
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    for name in names {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(name.trim_start_matches('*'))
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(ObjectBuilder::new().schema_type(Type::String))),
        );
    }
    for name in op.query() {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(*name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .schema(Some(query_schema(op, name))),
        );
    }
    operation
}

/// Schema of a query parameter.
fn query_schema(op: Op, name: &str) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let words = |words: Vec<&'static str>| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words))
            .into()
    };
    match name {
        "limit" => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(LIMIT_MAX))
            .default(Some(LIMIT_DEFAULT.into()))
            .into(),
        "kind" => words(AssetKind::ALL.iter().map(|kind| kind.as_str()).collect()),
        "state" if op == Op::ListJobs => {
            words(JobState::ALL.iter().map(|state| state.as_str()).collect())
        }
        "state" => words(AssetState::ALL.iter().map(|state| state.as_str()).collect()),
        "asset" | "asset_id" => AssetId::schema(),
        "job" => JobId::schema(),
        _ => text.into(),
    }
}

fn no_scopes() -> [String; 0] {
    []
}
