// SPDX-License-Identifier: Apache-2.0
// Every verb of the command line, as people and as programs use it, against a gateway with one good device, one that is
// silent and one that refuses: exit codes, formats, wrong use.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort, makeFolder, program, run, startGateway, startSim, until } from '../support/gateway.mjs';

const ports = await Promise.all([freePort(), freePort(), freePort()]);
const site = `version: 1
site: { id: t, name: Test }
devices:
  good:
    name: "Good, \\"quoted\\""
    modbus: { tcp: "127.0.0.1:${ports[0]}" }
    every: 100ms
    points:
      a: { holding: 0, type: uint16, units: kW }
      sp: { holding: 1, type: int16, write: { min: 0, max: 100 }, units: degC }
      run: { coil: 0, enum: [stopped, running], write: { confirm: true } }
  silent:
    modbus: { tcp: "127.0.0.1:${ports[1]}", timeout: 400ms }
    points: { x: { holding: 0, type: uint16, every: 200ms, write: true } }
  refusing:
    modbus: { tcp: "127.0.0.1:${ports[2]}" }
    points: { y: { holding: 0, type: uint16, every: 200ms, write: true } }
`;
const folder = makeFolder({ 'site.yaml': site });
const sim = await startSim(folder.site, ['--fault', 'silent=silence', '--fault', 'refusing=exception:2']);
const gateway = await startGateway({ config: folder.site, data: folder.data });
after(async () => {
  await gateway.stop();
  await sim.stop('SIGKILL');
  folder.remove();
});
await until('the good one is good', async () => (await gateway.point('good/a')).quality === 'good');
await until('the others are bad', async () => (await gateway.get('/api/v1/status')).points.bad === 2);

/** Runs words (split at blanks) against the gateway. */
const cli = (words, options) => gateway.cli(typeof words === 'string' ? words.split(' ') : words, options);

/* words, exit code, what stdout has, what stderr has (both optional) */
const uses = [
  // 0: done
  ['status', 0, /devices +\d up[\s\S]*ledger +\d+ received = /],
  ['device list', 0, /^good\tmodbus\ttcp 127\.0\.0\.1:\d+[^\t]*\tup\t/m],
  ['device list go*', 0, /^good\t.*\n$/],
  ['device list nothing*', 0, /^$/, /no device matches/],
  ['device list nothing* --json', 0, /^\[\]\n$/, /^$/],
  ['device show good', 0, /points +3 good, 0 bad of 3/],
  ['device test good', 0, /all well/],
  ['device frames good --limit 2', 0, /^\d\d:\d\d:\d\d\.\d+ [<>] +\d+ B {2}read /m],
  ['device pause good --dry-run', 0, /would pause good/],
  ['point list', 0, /^good\/a\t\d+\tkW\tgood\tgood\t/m],
  ['point list --bad', 0, /^refusing\/y\t/m],
  ['point list good/a good/sp', 0, /^good\/a\t.*\ngood\/sp\t.*\n$/],
  ['point list nothing', 0, /^$/, /no point matches/],
  ['point list nothing --quiet', 0, /^$/, /^$/],
  ['point get good/a', 0, /bytes +[0-9a-f ]+in holding 0/],
  ['point watch good/a --count 1', 0, /\tgood\/a\t\d+ kW\t/],
  ['point write good/sp 21 --dry-run', 0, /would write good\/sp: .* -> 21 degC/],
  ['point write good/sp 21 --yes', 0, /written, read back 21 degC/, /^undo: busbar point write good\/sp /],
  ['point write good/run running --yes', 0, /read back running/],
  ['point history good/a --limit 2', 0, /^\S+Z\t\d+\tgood$/m],
  ['point history good/a --buckets 1', 0, /^time\tcount\tmin\tmax\tavg\n\S+Z\t\d+\t/],
  ['history delete run{device="good"} --dry-run', 0, /^would delete 1 series, \d+ samples\n$/],
  ['history delete {device="nobody"} --yes', 0, /^nothing to delete: 0 series, 0 samples\n$/],
  ['history delete run{device="good"} --to -1y --yes --json', 0, /"series":1,"samples":0,"deleted":true/],
  ['history delete run{device="good"', 2, /^$/, /error:/],
  ['config check', 0, /fine/],
  ['config diff', 0, /^$/, /what is running/],
  ['config apply', 0, /nothing to change/],
  ['config apply --dry-run', 0, /nothing was changed/],
  ['config history', 0, /^1\t/],
  ['ledger', 0, /^balances: received = stored/m],
  ['ledger good/* --points', 0, /^good\/a\t\d+\t/m],
  [['payload', 'test', 'json: $.co2', '--message', '{"co2": 640}'], 0, /^json: \$\.co2\tjson: \$\.co2\t\t640\t640\tint\t/],
  [['payload', 'test', 'json: $.x', '--message', '{"co2": 640}'], 3, /nothing stands there/],
  [['payload', 'test', '{ json: $.x, type: number }', '--message', '{"x": "hot"}'], 3, /'hot' is no number/],
  [['payload', 'test', 'json: $.v', '--settings', 'each: json $.r[*]', '--message', '{"r": [{"v": 1}, {"v": 2}]}', '--json=findings'], 0, /"element":1,/],
  [['payload', 'test', 'jsn: $.x', '--message', '{}'], 3, /^$/, /rule 1: unknown key 'jsn'[\s\S]*did you mean 'json'/],
  ['payload test json:a --last', 2, /^$/, /name one/],
  ['payload test good --message 1', 1, /^$/, /whose values do not come in messages/],
  ['payload test nobody --message 1', 5, /^$/, /there is no device 'nobody'/],
  ['ports', 0, /^page and REST\ttcp\t/m],
  ['ports --nft', 0, /^table inet busbar \{/m],
  ['ports --ufw', 0, /no rule needed/],
  ['version', 0, /^busbar \d+\.\d+\.\d+\n$/],
  ['version --verbose', 0, /libcurl/],
  ['--version', 0, /^busbar \d/],
  ['--help', 0, /usage: busbar NOUN VERB/],
  ['help', 0, /usage: busbar NOUN VERB/],
  ['device --help', 0, /device list/],
  ['help device', 0, /device list/],
  ['device test --help', 0, /--scan-units/],
  ['completion bash', 0, /complete -F/],
  ['completion zsh', 0, /compdef/],
  ['completion fish', 0, /complete -c busbar/],
  // 1: failed
  ['run --config /nonexistent-folder --data DATA2', 3, /^$/, /cannot be read/],
  // 2: wrong use
  ['devcie', 2, /^$/, /did you mean 'busbar device'/],
  ['device lst', 2, /^$/, /did you mean 'busbar device list'/],
  ['device show', 2, /^$/, /needs DEVICE/],
  ['device show good silent', 2, /^$/, /one word too many/],
  ['device list --dwon', 2, /^$/, /did you mean --down/],
  ['device list --json=nmae', 2, /^$/, /there is no field 'nmae'[\s\S]*did you mean 'name'/],
  ['device frames good --limit 0', 2, /^$/, /no number of frames/],
  ['point get good', 2, /^$/, /write DEVICE\/POINT[\s\S]*busbar point list 'good\/\*'/],
  ['point write good/sp hot --yes', 2, /^$/, /needs a number/],
  ['point write good/sp 500 --yes', 2, /^$/, /allowed: 0 to 100 degC/],
  ['point history good/a --from yesterday', 2, /^$/, /no time/],
  ['point history good/a --limit many', 2, /^$/, /not a number/],
  ['config rollback last', 2, /^$/, /busbar config history/],
  ['completion tcsh', 2, /^$/, /bash, zsh or fish/],
  ['status --timeout soon', 2, /^$/, /500ms, 5s or 2m/],
  ['status extra', 2, /^$/, /too many/],
  ['sim', 2, /^$/, /needs SITE/],
  ['secret set a/b --data DATA2', 2, /^$/, /cannot name a secret/],
  // 3: a check found problems
  ['doctor', 3, /bad {3}device silent: /, /found/],
  ['config check /nonexistent-folder', 3, /^$/, /cannot be read/],
  ['check --config /nonexistent-folder --data DATA2', 3, /^$/, /cannot be read/],
  // 4: not allowed
  ['point write good/a 1 --yes', 4, /^$/, /not writable[\s\S]*site\.yaml:9.*write: true/],
  // 5: not found
  ['device show nope', 5, /^$/, /no device 'nope'\nhint: {2}\S/],
  ['device show goood', 5, /^$/, /nearest is 'good'/],
  ['device frames nope', 5, /^$/, /no device/],
  ['point get good/nope', 5, /^$/, /no point/],
  ['point get good/spp', 5, /^$/, /nearest is 'good\/sp'/],
  ['point history nope/x', 5, /^$/, /nope\/x/],
  ['point watch nope/*', 5, /^$/, /no point matches 'nope\/\*'/],
  ['config rollback 99 --yes', 5, /^$/, /no version 99/],
  ['secret remove nope --yes --data DATA2', 5, /^$/, /no secret 'nope'/],
  // 6: no answer in time
  ['device test silent', 6, /FAULT  /, /hint: {2}\S/],
  ['point write silent/x 1 --yes --timeout 500ms', 6, /^$/, /error: \S/],
  // 7: the device refused
  ['device test refusing', 7, /FAULT  /, /hint: {2}\S/],
  ['point write refusing/y 1 --yes', 7, /^$/, /illegal/],
  // 8: some of many failed
  ['point get good/a good/nope', 8, /^good\/a\t|^good\/a /m, /no point/],
  ['device resume good nope', 8, /good is polled/, /no device 'nope'/],
];

describe('exit codes and words', () => {
  for (const [words, code, stdout = /(?:)/, stderr = /(?:)/] of uses) {
    const line = typeof words === 'string' ? words : words.join(' ');
    test(`busbar ${line}: ${code}`, async () => {
      const ended = await cli(typeof words === 'string' ? words.replace('DATA2', join(folder.folder, 'data2')) : words);
      assert.equal(ended.code, code, `${ended.stdout}${ended.stderr}`);
      assert.match(ended.stdout, stdout);
      assert.match(ended.stderr, stderr);
    });
  }

  test('config diff: 1 when files differ, and apply says what it did', async () => {
    folder.write('site.yaml', site.replace('units: kW', 'units: MW'));
    const differs = await cli('config diff');
    assert.equal(differs.code, 1, differs.stderr);
    assert.match(differs.stdout, /^~ good\/a\.units kW -> MW\npolling stops for a moment for: good\n$/);
    const applied = await cli('config apply');
    assert.equal(applied.code, 0, applied.stderr);
    assert.match(applied.stdout, /version 2 running after .* Undo: busbar config rollback 1/);
    const back = await cli('config rollback 1 --yes');
    assert.equal(back.code, 0, back.stderr);
    assert.match(back.stdout, /^~ good\/a\.units MW -> kW/);
  });

  test('device list --down', async () => {
    await until('the silent one is down', async () => /^silent\tmodbus\t.*\tdown\t.*\n$/.test((await cli('device list --down')).stdout));
  });

  test('a paused device: shown, not tested, and how to go on', async () => {
    assert.equal((await cli('device pause good')).code, 0);
    const held = await cli('device test good');
    assert.equal(held.code, 1);
    assert.match(held.stderr, /is paused[\s\S]*hint: {2}busbar device resume good/);
    assert.match((await cli('device list good')).stdout, /\tpaused\t/);
    assert.equal((await cli('point write good/sp 5 --yes')).code, 1);
    assert.equal((await cli('device resume good')).code, 0);
    await until('it is good again', async () => (await gateway.point('good/a')).quality === 'good');
  });

  test('nobody to ask: a write is not sent', async () => {
    const held = await cli('point write good/sp 33');
    assert.equal(held.code, 1);
    assert.match(held.stderr, /nobody to ask here\nhint: {2}add --yes/);
    assert.notEqual((await gateway.point('good/sp')).value, 33);
  });

  test('no gateway: 6, and how to start one', async () => {
    const ended = await run(['status', '--server', `unix:${folder.folder}/none`]);
    assert.equal(ended.code, 6);
    assert.match(ended.stderr, /no gateway answers.*\nhint: {2}start one: busbar run/);
  });

  test('--watch looks again, and only at what looks', async () => {
    const child = spawn(program, ['device', 'list', 'good', '--watch', '--json=name', '--server', gateway.server]);
    let text = '';
    child.stdout.on('data', (data) => (text += data));
    await until('a second answer', () => (text.match(/"good"/g) ?? []).length >= 2);
    child.kill('SIGINT');
    await once(child, 'close');
    const write = await cli('point write good/sp 5 --yes --watch');
    assert.equal(write.code, 2);
    assert.match(write.stderr, /only look/);
  });

  test('Ctrl-C ends a stream', async () => {
    const child = spawn(program, ['point', 'watch', '--server', gateway.server]);
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const [, signal] = await once(child, 'close');
    assert.equal(signal, 'SIGINT', 'a shell shows 130');
  });
});

describe('without a gateway', () => {
  test('secrets: kept, listed by name, forgotten, never shown', async () => {
    const data = ['--data', join(folder.folder, 'secrets')];
    const set = await run(['secret', 'set', 'meter-key', ...data], { input: 's3cret\n' });
    assert.equal(set.code, 0, set.stderr);
    assert.doesNotMatch(set.stdout + set.stderr, /s3cret/);
    assert.equal((await run(['secret', 'list', ...data])).stdout, 'meter-key\n');
    assert.deepEqual(JSON.parse((await run(['secret', 'list', '--json', ...data])).stdout), ['meter-key']);
    assert.equal((await run(['secret', 'set', 'empty', ...data], { input: '' })).code, 2);
    assert.equal((await run(['secret', 'remove', 'meter-key', '--yes', ...data])).code, 0);
    assert.equal((await run(['secret', 'list', ...data])).stdout, '');
  });

  test('warnings are told and stop nothing', async () => {
    const odd = makeFolder({ 'site.yaml': 'version: 1\ndevices:\n  d: { modbus: { tcp: "127.0.0.1:1" } }\n', 'old.yml': '' });
    const checked = await run(['config', 'check', odd.site]);
    assert.equal(checked.code, 0, checked.stderr);
    assert.match(checked.stderr, /site\.yaml:3:3: warning: device 'd' has no points/);
    assert.match(checked.stderr, /old\.yml: warning: this file is not read[\s\S]*rename it to \.yaml/);
    assert.match(checked.stderr, /0 errors, 2 warnings/);
    const json = JSON.parse((await run(['config', 'check', odd.site, '--json'])).stdout);
    assert.deepEqual(json.problems.map(({ severity }) => severity), ['warning', 'warning']);
    odd.remove();
  });

  test('mistakes as JSON: the place, the word, the hint', async () => {
    const odd = makeFolder({ 'site.yaml': 'version: 1\ndevices:\n  d: { modbus: { tpc: "127.0.0.1:1" } }\n' });
    const checked = await run(['config', 'check', odd.site, '--json']);
    assert.equal(checked.code, 3);
    const { errors, problems } = JSON.parse(checked.stdout);
    const typo = problems.find(({ message }) => /'tpc'/.test(message));
    assert.ok(errors >= 1);
    assert.deepEqual([typo.file, typo.line, typo.column, typo.width, typo.severity], ['site.yaml', 3, 18, 3, 'error']);
    assert.match(typo.hint, /did you mean 'tcp'/);
    odd.remove();
  });
});

describe('output for programs', () => {
  const lists = ['device list', 'point list', 'config history', 'ports', 'ledger --points', 'device frames good'];
  const objects = ['status', 'device show good', 'device test good', 'point get good/a', 'ledger', 'version',
    'config check', 'config diff', 'config apply --dry-run', 'point history good/a --limit 2'];

  for (const words of [...lists, ...objects, 'doctor']) {
    test(`busbar ${words} --json`, async () => {
      const whole = await cli(`${words} --json`);
      const value = JSON.parse(whole.stdout);
      assert.equal(Array.isArray(value), lists.includes(words) || words === 'doctor');
      const row = Array.isArray(value) ? value[0] : value;
      const help = await cli(`${words} --json=help`);
      assert.equal(help.code, 0, help.stderr);
      const fields = help.stdout.trim().split('\n');
      assert.deepEqual(fields, Object.keys(row));
      const some = fields.slice(0, 2);
      const chosen = JSON.parse((await cli(`${words} --json=${some}`)).stdout);
      assert.deepEqual(Object.keys(Array.isArray(chosen) ? chosen[0] : chosen), some);
    });
  }

  test('nested fields are chosen by dots', async () => {
    const { stdout } = await cli('device list good --json=name,points.good');
    assert.deepEqual(JSON.parse(stdout), [{ name: 'good', 'points.good': 3 }]);
  });

  test('a stream is an object a line', async () => {
    const { stdout } = await cli('point watch good/* --count 3 --json=path,quality');
    const rows = stdout.trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(rows.length, 3);
    assert.deepEqual(Object.keys(rows[0]), ['path', 'quality']);
  });

  test('CSV has a head line and quotes what needs it', async () => {
    const list = await cli('device list --csv');
    const [head, first] = list.stdout.split('\n');
    assert.match(head, /^name,protocol,address,/);
    assert.match(first, /^good,modbus,/);
    const history = await cli('point history good/a --csv --limit 1');
    assert.match(history.stdout, /^time,value,quality\n\S+,\d+,good\n$/);
  });

  test('times are RFC 3339', async () => {
    const { stdout } = await cli('point get good/a --json=time');
    assert.match(JSON.parse(stdout).time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  });
});

describe('on a terminal', () => {
  const terminal = (words, env = {}, columns = 80) => {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const line = `stty cols ${columns}; '${resolve(program)}' ${quoted} --server '${gateway.server}'`;
    const ended = spawnSync('script', ['-qec', line, '/dev/null'], {
      encoding: 'utf8', env: { ...process.env, ...env }, input: '', timeout: 20000,
    });
    return ended.stdout.replaceAll('\r\n', '\n');
  };
  const plain = (text) => text.replace(/\x1b\[[0-9;]*[mK]/g, '');

  test('a list is a table that fits, with words for bad quality', () => {
    const table = plain(terminal(['point', 'list'])).trimEnd().split('\n');
    assert.match(table[0], /^POINT +VALUE +QUALITY +AGE +SOURCE +CONFIG/);
    assert.ok(table.every((line) => line.length <= 80), table.join('\n'));
    assert.match(table.find((line) => line.startsWith('silent/x')), /no answer/);
    const narrow = plain(terminal(['device', 'list'], {}, 60)).trimEnd().split('\n');
    assert.ok(narrow.some((line) => line.includes('~')), 'what is cut is marked');
  });

  test('colour, and none with NO_COLOR or --plain', () => {
    assert.match(terminal(['point', 'list']), /\x1b\[31m/);
    assert.doesNotMatch(terminal(['point', 'list'], { NO_COLOR: '1' }), /\x1b\[\d/);
    assert.doesNotMatch(terminal(['point', 'list', '--plain']), /\x1b\[\d/);
  });

  test('what is longer than the screen goes through PAGER', () => {
    const quoted = `stty cols 80 rows 4; '${resolve(program)}' point list --server '${gateway.server}'`;
    const paged = spawnSync('script', ['-qec', quoted, '/dev/null'], {
      encoding: 'utf8', env: { ...process.env, PAGER: "sed 's/^/page: /'", NO_COLOR: '1' }, input: '', timeout: 20000,
    });
    assert.match(paged.stdout, /^page: POINT[\s\S]*^page: silent\/x/m);
    assert.equal(paged.status, 0);
    assert.match(terminal(['device', 'list'], { PAGER: 'sed s/^/page:/', NO_COLOR: '1' }), /^DEVICE/);
  });

  test('long work shows that it goes on', () => {
    assert.match(terminal(['device', 'test', 'silent', '--scan-units']), /device test: \d+ s/);
  });
});

describe('bash completion', () => {
  /** What the shell offers for the words, the last of them unfinished. */
  const offered = (...words) => {
    const list = words.map((word) => `'${word}'`).join(' ');
    const script = `source <(busbar completion bash); COMP_WORDS=(busbar ${list}); COMP_CWORD=${words.length};
      _busbar; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const ended = spawnSync('bash', ['-c', script], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${folder.folder}:${process.env.PATH}`, BUSBAR_SERVER: gateway.server },
    });
    assert.equal(ended.stderr, '');
    return ended.stdout.trim().split('\n');
  };
  before(() => symlinkSync(resolve(program), join(folder.folder, 'busbar')));

  test('nouns, verbs, flags', () => {
    assert.deepEqual(offered('dev'), ['device']);
    assert.deepEqual(offered('device', 'pa'), ['pause']);
    assert.deepEqual(offered('device', 'list', '--do'), ['--down']);
    assert.ok(offered('').includes('status'));
  });

  test('names of files where one is wanted', () => {
    const script = `compopt() { printf '%s\\n' "$2"; }; source <(busbar completion bash)
      COMP_WORDS=(busbar run --config /et); COMP_CWORD=3; _busbar; COMP_WORDS=(busbar sim /et); COMP_CWORD=2; _busbar
      COMP_WORDS=(busbar device show /et); COMP_CWORD=3; _busbar`;
    const ended = spawnSync('bash', ['-c', script], {
      encoding: 'utf8', env: { ...process.env, PATH: `${folder.folder}:${process.env.PATH}`, BUSBAR_SERVER: gateway.server },
    });
    assert.equal(ended.stdout, 'default\ndefault\n');
  });

  test('live names of devices and points', () => {
    assert.deepEqual(offered('device', 'show', 'si'), ['silent']);
    assert.deepEqual(offered('point', 'get', 'good/s'), ['good/sp']);
  });
});

test('manual pages have no mistake', () => {
  for (const noun of [[], ['device'], ['point'], ['config'], ['secret']]) {
    const page = spawnSync(program, ['man-page', ...noun], { encoding: 'utf8' });
    assert.equal(page.status, 0);
    const looked = spawnSync('groff', ['-man', '-ww', '-Tutf8', '-z'], { input: page.stdout, encoding: 'utf8' });
    if (looked.error === undefined) {
      assert.equal(looked.stderr, '');
    }
    assert.match(page.stdout, /\.SH NAME[\s\S]*\.SH SYNOPSIS[\s\S]*\.SH EXIT STATUS/);
  }
});

test('the help and the man pages know every noun', async () => {
  const words = (await run(['complete-words', '--', ''])).stdout.split('\n').filter(Boolean);
  const help = (await run(['--help'])).stdout;
  for (const word of words) {
    assert.match(help, new RegExp(`^  ${word}\\b`, 'm'), word);
  }
  const nouns = [...help.split('\n\n').at(-2).matchAll(/^  ([a-z]+) .*:/gm)].map((match) => match[1]);
  const packaged = /^set\(nouns ([a-z ]+)\)/m.exec(readFileSync(new URL('../../cmake/BusbarInstall.cmake', import.meta.url)))[1];
  assert.deepEqual(packaged.split(' '), nouns);
});
