// `npm run chaos -- retraining [jobs]`: jobs under way on four exporters with eight workers, while whoever does the work is killed.
import { retrainingChaos } from './retraining-chaos.ts';

const [models = 200] = process.argv.slice(3).map(Number);
const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  say(`${models} jobs, 4 exporters with 2 workers each, one PostgreSQL, one trainer`);
  const began = performance.now();
  const result = await retrainingChaos({
    models,
    exporters: 4,
    faults: 60,
    calmMs: 1_500,
    inHaste: false,
    say,
  });
  const list = (counts: Iterable<readonly [string, number]>) =>
    [...counts].map(([name, times]) => `${name} x${times}`).join('; ');
  say(`all jobs ended after ${Math.round((performance.now() - began) / 1000)} s`);
  say(`faults: ${list(result.faults)}`);
  say(`outcomes: ${list(Object.entries(result.outcomes))}; ${result.transitions} transitions, each once`);
  say(`${result.decisions} candidates were decided on by a person, each once`);
  say(
    `${result.attempts} attempts, ${result.begun} begun by the trainer, ${result.askedAgain} asked for again and not begun again`,
  );
  say(`callbacks and their answers: ${list(Object.entries(result.callbacks))}`);
  say(`findings of workers that had lost their job: ${result.dropped}, none written`);
  for (const violation of result.violations) say(`VIOLATION ${violation}`);
  say(`${result.violations.length} violations`);
  process.exitCode = result.violations.length === 0 ? 0 : 1;
}

void main();
