// `node manifest-faults.mjs < manifests.json`: what the schemas of Kubernetes and of the Prometheus operator say of them, as a JSON list
// of texts. A process of its own: the schemas come as ES modules, which Jest does not load.
import { text } from 'node:stream/consumers';

/** Where the class of a kind is, which has the schema; the type beside it is I<kind>. */
const MODULES = JSON.parse(process.argv[2]);

const faults = [];
for (const manifest of JSON.parse(await text(process.stdin))) {
  const { [manifest.kind]: Model } = await import(MODULES[manifest.kind]);
  try {
    new Model(manifest).validate();
  } catch (error) {
    faults.push(`${manifest.kind}: ${error.message}`);
  }
}
console.log(JSON.stringify(faults));
