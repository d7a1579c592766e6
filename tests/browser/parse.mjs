// Reads a master playlist and every playlist in it with an independent parser; prints their content as JSON.
// Arguments: the URL of the master playlist.
import HLS from "hls-parser";

HLS.setOptions({ strictMode: true });

async function read(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return { type: response.headers.get("content-type"), playlist: HLS.parse(await response.text()) };
}

const master = process.argv[2];
const { type, playlist } = await read(master);
if (!playlist.isMasterPlaylist) throw new Error("this is not a master playlist");

async function media(uri) {
  const url = new URL(uri, master).href;
  const { playlist } = await read(url);
  if (playlist.isMasterPlaylist) throw new Error(`${uri} is not a media playlist`);
  return {
    uri,
    url,
    ended: playlist.endlist,
    kind: playlist.playlistType ?? null,
    target: playlist.targetDuration,
    segments: playlist.segments.map((segment) => ({
      url: new URL(segment.uri, url).href,
      duration: segment.duration,
      map: segment.map ? new URL(segment.map.uri, url).href : null,
    })),
  };
}

const variants = [];
for (const variant of playlist.variants) {
  variants.push({
    ...(await media(variant.uri)),
    bandwidth: variant.bandwidth,
    average: variant.averageBandwidth ?? null,
    codecs: variant.codecs ?? null,
    width: variant.resolution?.width ?? null,
    height: variant.resolution?.height ?? null,
    rate: variant.frameRate ?? null,
  });
}
const renditions = [];
const seen = new Set();
for (const variant of playlist.variants) {
  for (const rendition of [...variant.audio, ...variant.subtitles]) {
    if (!rendition.uri || seen.has(rendition.uri)) continue;
    seen.add(rendition.uri);
    renditions.push({
      ...(await media(rendition.uri)),
      media: rendition.type,
      name: rendition.name,
      language: rendition.language ?? null,
      isDefault: rendition.isDefault ?? false,
    });
  }
}
console.log(JSON.stringify({ type, independent: playlist.independentSegments, variants, renditions }));
