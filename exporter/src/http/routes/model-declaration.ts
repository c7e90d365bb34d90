import { Type } from '@sinclair/typebox';
import type { Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { THRESHOLD_KEYS } from '../../domain/effective-settings.ts';
import type { ModelDeclaration } from '../../domain/model.ts';
import { ServiceError } from '../../domain/service-error.ts';
import { CHECK_NAMES } from '../../domain/settings.ts';
import { THRESHOLD_LIMITS } from '../../domain/threshold-limits.ts';
import { parseJson } from '../../intake/formats/parse-json.ts';

const strict = { additionalProperties: false } as const;
const Thresholds = Type.Object(
  Object.fromEntries(
    Object.entries(THRESHOLD_KEYS).map(([key, name]) => {
      const { above, ...end } = THRESHOLD_LIMITS[name];
      const atMost = 'max' in end ? { maximum: end.max } : { exclusiveMaximum: end.below };
      return [key, Type.Optional(Type.Number({ exclusiveMinimum: above, ...atMost }))];
    }),
  ),
  strict,
);

const Declaration = Type.Object(
  {
    task: Type.Optional(Type.Union([Type.Literal('binary'), Type.Literal('multiclass'), Type.Literal('regression')])),
    positive_class: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    features: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1, maxLength: 200 }),
        Type.Object(
          {
            type: Type.Optional(Type.Union([Type.Literal('numeric'), Type.Literal('categorical')])),
            min: Type.Optional(Type.Number()),
            max: Type.Optional(Type.Number()),
            importance: Type.Optional(Type.Number({ minimum: 0 })),
          },
          strict,
        ),
      ),
    ),
    thresholds: Type.Optional(Thresholds),
    weights: Type.Optional(
      Type.Object(
        Object.fromEntries(CHECK_NAMES.map((name) => [name, Type.Number({ minimum: 0, maximum: 1 })])),
        strict,
      ),
    ),
  },
  strict,
);

/** The body of PUT /api/ml/models/:model. Throws ServiceError invalid with every fault. */
export function readDeclaration(text: string): ModelDeclaration {
  const parsed = parseJson(text);
  const fields = [...Value.Errors(Declaration, parsed)].map(({ path: pointer, message }) => ({
    pointer,
    detail: message,
  }));
  if (fields.length === 0) fields.push(...brokenRules(parsed as Static<typeof Declaration>));
  if (fields.length > 0) throw new ServiceError('invalid', 'The declaration of the model is not valid.', { fields });
  return parsed as ModelDeclaration;
}

function brokenRules({ weights, features }: Static<typeof Declaration>): { pointer: string; detail: string }[] {
  const broken: { pointer: string; detail: string }[] = [];
  const sum = Object.values(weights ?? {}).reduce<number>((total, weight) => total + weight, 0);
  if (weights !== undefined && Math.abs(sum - 1) > 1e-9)
    broken.push({ pointer: '/weights', detail: `weights add up to ${sum}, they must add up to 1` });
  for (const [name, { min, max }] of Object.entries(features ?? {}))
    if (min !== undefined && max !== undefined && min >= max)
      broken.push({
        pointer: `/features/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        detail: 'min must be below max',
      });
  return broken;
}
