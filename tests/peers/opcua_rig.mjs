// SPDX-License-Identifier: Apache-2.0
// A site of OPC UA devices.
import { head } from '../support/rig.mjs';

export { begin, head } from '../support/rig.mjs';

/** The YAML of devices: name -> { url, settings, points, every, more }; points: name -> text of a point. */
export function site(devices) {
  const text = Object.entries(devices).map(([name, { url, settings = 'security: none', points = {}, every = '1s', more = '' }]) => {
    const lines = Object.entries(points).map(([point, of]) => `      ${point}: ${of}\n`);
    return `  ${name}:\n    every: ${every}\n    opcua: { url: "${url}"${settings ? `, ${settings}` : ''} }\n${more}    points:\n${lines.join('')}`;
  });
  return `${head}devices:\n${text.join('')}`;
}
