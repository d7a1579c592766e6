// The least that a Worker can do to register a file: read the JSON body, run the same batch of two INSERTs as the edge, answer
// 201. No token is verified, nothing is signed, no event is delivered.
const ASSET =
  "INSERT INTO assets (id, tenant, user_id, kind, state, visibility, origin, filename, content_type, size_bytes, sha256, " +
  "owner_type, owner_id, metadata, job_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const EVENT = "INSERT INTO outbox_events (hub, payload, created_at) VALUES (?, ?, ?)";

async function create(request, env) {
  const { filename, content_type, size_bytes } = await request.json();
  const [tenant, user] = ["bench", "peer"];
  const now = Date.now();
  // Ordered by time, as ours are: random keys would make the peer's index more expensive.
  const id = `asset_${now.toString(36)}${crypto.randomUUID()}`;
  const job_id = `job_${now.toString(36)}${crypto.randomUUID()}`;
  const event = {
    type: "upload_started",
    event_id: `event_${crypto.randomUUID()}`,
    time: new Date(now).toISOString(),
    tenant,
    asset_id: id,
    job_id,
    attempt: null,
  };
  await env.DB.batch([
    env.DB.prepare(ASSET).bind(
      id, tenant, user, "image", "awaiting_upload", "public", "upload", filename, content_type, size_bytes, null,
      "user", user, "{}", job_id, now,
    ),
    env.DB.prepare(EVENT).bind(JSON.stringify([tenant, user]), JSON.stringify(event), now),
  ]);
  return Response.json({ asset: { id, state: "awaiting_upload", filename, content_type, size_bytes }, job_id }, { status: 201 });
}

export default {
  async fetch(request, env) {
    switch (`${request.method} ${new URL(request.url).pathname}`) {
      case "POST /v1/assets":
        return create(request, env);
      case "GET /count":
        return Response.json(await env.DB.prepare("SELECT (SELECT COUNT(*) FROM assets) AS assets, (SELECT COUNT(*) FROM outbox_events) AS events").first());
      case "GET /version":
        return Response.json({ nonce: env.NONCE });
      case "GET /readyz":
        return new Response(null, { status: 200 });
      default:
        return new Response(null, { status: 404 });
    }
  },
};
