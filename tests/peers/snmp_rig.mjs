// SPDX-License-Identifier: Apache-2.0
// A site of SNMP devices.
import { begin as beginSite, head } from '../support/rig.mjs';
import { secrets } from './snmp_peers.mjs';

export { head } from '../support/rig.mjs';

/** The YAML of devices: name -> { host, settings, points, every, more }; points: name -> text of a point. driver: its section. */
export function site(devices, driver = '') {
  const text = Object.entries(devices).map(([name, { host, settings = '', points = {}, every = '300ms', more = '' }]) => {
    const lines = Object.entries(points).map(([point, of]) => `      ${point}: ${of}\n`);
    return `  ${name}:\n    every: ${every}\n    snmp: { host: "${host}"${settings ? `, ${settings}` : ''} }\n${more}    points:\n${lines.join('')}`;
  });
  return `${head}${driver ? `drivers: { snmp: { ${driver} } }\n` : ''}devices:\n${text.join('')}`;
}

export const begin = (t, config, options = {}) => beginSite(t, config, { secrets, ...options });
