import assert from "node:assert/strict";
import fc from "fast-check";
import { assignShares } from "../../src/group/mod.ts";

const layouts = fc.record({ shares: fc.integer({ min: 1, max: 40 }), replicas: fc.constantFrom(1, 2) });
const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 9 });

Deno.test("assignShares() gives every share its copies, to different members, whatever the order of their names", () => {
  fc.assert(
    fc.property(layouts, names, (layout, members) => {
      const owners = assignShares(layout, members);
      assert.equal(owners.size, layout.shares);
      for (const held of owners.values()) {
        assert.equal(held.length, Math.min(layout.replicas, members.length));
        assert.equal(new Set(held).size, held.length);
      }
      assert.deepEqual(assignShares(layout, members.toReversed()), owners);
    }),
    { numRuns: 30 },
  );
});

Deno.test("assignShares() gives no member more than its part but where a copy would stand twice at another", () => {
  fc.assert(
    fc.property(layouts, names, (layout, members) => {
      const copies = Math.min(layout.replicas, members.length);
      const most = Math.ceil(layout.shares * copies / members.length);
      const loads = new Map<string, number>();
      for (const held of assignShares(layout, members).values()) {
        for (const member of held) loads.set(member, (loads.get(member) ?? 0) + 1);
      }
      for (const load of loads.values()) assert.ok(load <= most + (copies === 1 ? 0 : 2), `${load} of ${most}`);
    }),
    { numRuns: 30 },
  );
});

Deno.test("assignShares() moves little but a member's part when it comes or goes", () => {
  let [moved, least] = [0, 0];
  for (let run = 0; run < 40; run++) {
    const members = Array.from({ length: 2 + run % 5 }, (_, at) => `member-${run}-${at}`);
    const layout = { shares: 32, replicas: 1 };
    const [before, after] = [assignShares(layout, members), assignShares(layout, [...members, "newcomer"])];
    for (const [share, owners] of after) if (before.get(share)?.join() !== owners.join()) moved++;
    least += Math.floor(32 / (members.length + 1));
  }
  assert.ok(moved <= least * 1.8, `${moved} moves where ${least} are the least`);
});

Deno.test("assignShares() gives nothing where nobody is there", () => {
  assert.deepEqual(assignShares({ shares: 2, replicas: 2 }, []), new Map([[1, []], [2, []]]));
});
