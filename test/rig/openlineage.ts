/** Holds OpenLineage events to the published schema, as test/fixtures/openlineage/schema.json writes it down. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {Ajv2020} from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

const SCHEMA = new URL('../../../test/fixtures/openlineage/schema.json', import.meta.url);
const ajv = new Ajv2020({allErrors: true, strict: true, strictTypes: false, strictRequired: false});
formats.default(ajv);
const valid = ajv.compile(JSON.parse(readFileSync(SCHEMA, 'utf8')) as object);

export function assertOpenLineage(event: unknown): void {
  assert.ok(valid(event), `${JSON.stringify(event)}: ${ajv.errorsText(valid.errors)}`);
}
