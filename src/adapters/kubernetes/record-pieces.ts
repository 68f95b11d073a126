/** Parts of a record as compressed pieces in ConfigMaps, each well below the size that an object may have. */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { KubeObject } from '../../core/mesh/kube-objects.ts';

/** Compressed size of a piece; the API server takes objects of 1.5 MB, and base64 adds a third. */
export const LARGEST_PIECE_BYTES = 500_000;

export const RUN_LABEL = 'meshlift.io/run';
export const PIECE_LABEL = 'meshlift.io/piece';
const INDEX_ANNOTATION = 'meshlift.io/index';
const OF_ANNOTATION = 'meshlift.io/of';

export interface Piece extends KubeObject {
  readonly binaryData?: Readonly<Record<string, string>>;
  readonly data?: Readonly<Record<string, string>>;
}

export interface PieceOwner {
  readonly run: string;
  readonly namespace: string;
  readonly ownerReference: { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string };
  /** Secrets where the content may hold credentials. */
  readonly kind: 'ConfigMap' | 'Secret';
}

/** Splits a text into as many objects as it takes. */
export function toPieces(part: string, text: string, owner: PieceOwner): Piece[] {
  const packed = gzipSync(text, { level: 9 });
  const count = Math.max(1, Math.ceil(packed.length / LARGEST_PIECE_BYTES));
  return Array.from({ length: count }, (_, index) => {
    const bytes = packed.subarray(index * LARGEST_PIECE_BYTES, (index + 1) * LARGEST_PIECE_BYTES).toString('base64');
    return makePiece({ part, index, of: count, bytes }, owner);
  });
}

interface PieceContent {
  readonly part: string;
  readonly index: number;
  readonly of: number;
  /** base64 */
  readonly bytes: string;
}

function makePiece({ part, index, of, bytes }: PieceContent, owner: PieceOwner): Piece {
  return {
    apiVersion: 'v1',
    kind: owner.kind,
    metadata: {
      name: `meshlift-${owner.run}-${part}-${index}`,
      namespace: owner.namespace,
      labels: { 'app.kubernetes.io/name': 'meshlift', [RUN_LABEL]: owner.run, [PIECE_LABEL]: part },
      annotations: { [INDEX_ANNOTATION]: String(index), [OF_ANNOTATION]: String(of) },
      ownerReferences: [owner.ownerReference],
    },
    ...(owner.kind === 'Secret' ? { data: { gzip: bytes } } : { binaryData: { gzip: bytes } }),
  };
}

/** @returns the text; undefined when there are no pieces @throws Error when one is missing */
export function fromPieces(part: string, pieces: readonly Piece[]): string | undefined {
  const own = pieces.filter((piece) => piece.metadata.labels?.[PIECE_LABEL] === part).toSorted((a, b) => indexOf(a) - indexOf(b));
  const first = own[0];
  if (!first) return undefined;
  const count = Number(first.metadata.annotations?.[OF_ANNOTATION] ?? '1');
  if (own.length < count) throw new Error(`${own.length} of ${count} pieces of its ${part} are there`);
  return gunzipSync(Buffer.concat(own.slice(0, count).map((piece) => Buffer.from(bytesOf(piece), 'base64')))).toString('utf8');
}

export function indexOf(piece: Piece): number {
  return Number(piece.metadata.annotations?.[INDEX_ANNOTATION] ?? '0');
}

function bytesOf(piece: Piece): string {
  return piece.binaryData?.['gzip'] ?? piece.data?.['gzip'] ?? '';
}

/** One piece of the journal; unlike the others it grows until it is full, and then the next one begins. */
export function journalPiece(
  index: number,
  text: string,
  owner: PieceOwner,
  writer: { readonly driver: string; readonly transitions: number },
): Piece {
  const piece = makePiece({ part: 'events', index, of: index + 1, bytes: gzipSync(text).toString('base64') }, owner);
  return { ...piece, data: { driver: writer.driver, transitions: String(writer.transitions) } };
}

export function journalText(piece: Piece): string {
  return gunzipSync(Buffer.from(bytesOf(piece), 'base64')).toString('utf8');
}
