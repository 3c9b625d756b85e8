// SPDX-License-Identifier: Apache-2.0
// What the servers of the OPC UA tests hold: a value of each type, structures, history, methods, alarms, many nodes.
// All node ids are texts in the namespace urn:busbar:peer.
import opcua from 'node-opcua';

const { DataType, StatusCodes, VariantArrayType, makeAccessLevelFlag } = opcua;

export const SPACE = 'urn:busbar:peer';
export const TYPES = 'urn:busbar:peer:types';
export const nsu = (id) => `nsu=${SPACE};s=${id}`;

/** When the values of the kinds were measured. */
export const measured = new Date('2026-03-04T05:06:07.089Z');

/** A value of each built-in type: what the server holds, and what the gateway has to show. */
export const kinds = [
  { name: 'Boolean', value: true, shows: true },
  { name: 'SByte', value: -128, shows: -128 },
  { name: 'Byte', value: 255, shows: 255 },
  { name: 'Int16', value: -32768, shows: -32768 },
  { name: 'UInt16', value: 65535, shows: 65535 },
  { name: 'Int32', value: -2147483648, shows: -2147483648 },
  { name: 'UInt32', value: 4294967295, shows: 4294967295 },
  { name: 'Int64', value: [0xffffffff, 0xfffffffe], shows: -2 },
  { name: 'UInt64', value: [0x1, 0x2], shows: 4294967298 },
  { name: 'Float', value: 0.5, shows: 0.5 },
  { name: 'Double', value: -1234.56789, shows: -1234.56789 },
  { name: 'String', value: 'Zürich', shows: 'Zürich' },
  { name: 'DateTime', value: new Date('2020-02-29T12:34:56.789Z'), shows: /^2020-02-29T12:34:56\.789/ },
  { name: 'Guid', value: '72962B91-FA75-4AE6-8D28-B404DC7DAF63', shows: /^72962b91-fa75-4ae6-8d28-b404dc7daf63$/i },
  { name: 'ByteString', value: Buffer.from('busbar'), shows: 'YnVzYmFy' },
  { name: 'XmlElement', value: '<a>1</a>', shows: '<a>1</a>' },
  { name: 'NodeId', value: opcua.resolveNodeId('ns=0;i=2258'), shows: /i=2258$/ },
  { name: 'StatusCode', value: StatusCodes.BadSensorFailure, shows: /BadSensorFailure/ },
  { name: 'QualifiedName', value: opcua.coerceQualifiedName({ namespaceIndex: 0, name: 'Speed' }), shows: /Speed$/ },
  { name: 'LocalizedText', value: opcua.coerceLocalizedText('läuft'), shows: 'läuft' },
];

/** Adds a variable; give is a node-opcua Variant. The variable has set(value, { status, time }). */
export function addVariable(ns, parent, name, dataType, give, { access = 'CurrentRead | CurrentWrite', ...options } = {}) {
  const variable = ns.addVariable({ componentOf: parent, browseName: name, nodeId: `s=${name}`, dataType, minimumSamplingInterval: 0,
    accessLevel: makeAccessLevelFlag(access), userAccessLevel: makeAccessLevelFlag(access), ...options });
  let variant = new opcua.Variant(give);
  variable.setValueFromSource(variant);
  variable.set = (value, { status = StatusCodes.Good, time = new Date() } = {}) => {
    variant = new opcua.Variant({ ...variant, value });
    variable.setValueFromSource(variant, status, time);
  };
  return variable;
}

/** A value of each kind (`kind.Double`), arrays, a matrix, ones that are not good, ones that cannot be written. */
export function addKinds(ns, parent) {
  const folder = ns.addFolder(parent, { browseName: 'Kinds', nodeId: 's=Kinds' });
  for (const { name, value } of kinds) {
    addVariable(ns, folder, `kind.${name}`, name, { dataType: DataType[name], arrayType: VariantArrayType.Scalar, value }).set(value, { time: measured });
  }
  const array = (name, type, value, dimensions) =>
    addVariable(ns, folder, name, type, { dataType: DataType[type], arrayType: dimensions ? VariantArrayType.Matrix : VariantArrayType.Array,
      ...(dimensions && { dimensions }), value }, { valueRank: dimensions ? dimensions.length : 1, arrayDimensions: dimensions ?? [value.length] });
  array('array.Double', 'Double', new Float64Array([1.5, 2.5, 3.5, 4.5]));
  array('array.String', 'String', ['a', 'b', 'c']);
  array('array.Empty', 'Int32', new Int32Array([]));
  array('matrix', 'Int32', new Int32Array([1, 2, 3, 4, 5, 6]), [2, 3]);
  addVariable(ns, folder, 'uncertain', 'Double', { dataType: DataType.Double, value: 7 }).set(7, { status: StatusCodes.UncertainLastUsableValue });
  addVariable(ns, folder, 'failed', 'Double', { dataType: DataType.Double, value: 8 }).set(8, { status: StatusCodes.BadSensorFailure });
  addVariable(ns, folder, 'fixed', 'Double', { dataType: DataType.Double, value: 9 }, { access: 'CurrentRead' });
  addVariable(ns, folder, 'hidden', 'Double', { dataType: DataType.Double, value: 9 }, { access: 'CurrentWrite' });
  return folder;
}

/** A measurement with unit and range, one of named states, a two-state one. */
export function addItems(ns, parent) {
  const folder = ns.addFolder(parent, { browseName: 'Items', nodeId: 's=Items' });
  ns.addAnalogDataItem({ componentOf: folder, browseName: 'Oil.Temp', nodeId: 's=Oil.Temp', dataType: 'Double', description: 'oil of the press',
    engineeringUnitsRange: { low: 0, high: 120 }, instrumentRange: { low: -20, high: 200 }, engineeringUnits: opcua.standardUnits.degree_celsius,
    minimumSamplingInterval: 0, value: new opcua.Variant({ dataType: DataType.Double, value: 41.5 }) });
  ns.addMultiStateDiscrete({ componentOf: folder, browseName: 'Mode', nodeId: 's=Mode', enumStrings: ['off', 'heat', 'cool'], value: 1 });
  ns.addTwoStateDiscrete({ componentOf: folder, browseName: 'Door', nodeId: 's=Door', trueState: 'open', falseState: 'closed', value: true });
  return folder;
}

/** Structures of the server's own (opcua_types.xml): nested, with an array, an enumeration, optional fields, a union. */
export function addStructures(space, ns, parent) {
  const folder = ns.addFolder(parent, { browseName: 'Structures', nodeId: 's=Structures' });
  const index = space.getNamespaceIndex(TYPES);
  const add = (name, type, fields) => {
    const dataType = space.findDataType(type, index);
    const make = (of) => space.constructExtensionObject(dataType, of);
    const variable = addVariable(ns, folder, name, dataType.nodeId, { dataType: DataType.ExtensionObject, value: make(fields) });
    const { set } = variable;
    variable.set = (of, how) => set(make(of), how);
    return variable;
  };
  const position = space.constructExtensionObject(space.findDataType('Point3', index), { x: 1.5, y: -2, z: 1e3 });
  add('tool', 'Tool', { name: 'drill', number: 7, position, trace: [0.5, 1.5], state: 1, locked: true, changed: measured });
  add('point', 'Point3', { x: 1, y: 2, z: 3 });
  add('sparse', 'Sparse', { here: 4.5, always: 3 });
  add('either', 'Either', { words: 'both' });
  const state = space.findDataType('ToolState', index);
  addVariable(ns, folder, 'state', state.nodeId, { dataType: DataType.Int32, value: 2 });
  return folder;
}

/** `count` variables many.0 ... in one folder. */
export function addMany(ns, parent, count) {
  const folder = ns.addFolder(parent, { browseName: 'Many', nodeId: 's=Many' });
  const all = [];
  for (let i = 0; i < count; i++) {
    all.push(addVariable(ns, folder, `many.${i}`, 'Double', { dataType: DataType.Double, value: i }, { access: 'CurrentRead' }));
  }
  return all;
}

/** A variable whose last 100,000 values the server keeps. */
export function addHistorized(space, ns, parent, name = 'logged') {
  const variable = addVariable(ns, parent, name, 'Double', { dataType: DataType.Double, value: 0 }, { access: 'CurrentRead | HistoryRead' });
  space.installHistoricalDataNode(variable, { maxOnlineValues: 100000 });
  return variable;
}

/** A machine with methods: reset() without arguments, add(a, b) -> sum, refuse() that is never allowed. */
export function addMethods(ns, parent) {
  const machine = ns.addObject({ organizedBy: parent, browseName: 'Press', nodeId: 's=Press' });
  const calls = [];
  const add = (name, inputs, outputs, run) =>
    ns.addMethod(machine, { browseName: name, nodeId: `s=Press.${name}`, inputArguments: inputs, outputArguments: outputs })
      .bindMethod((values, _context, done) => {
        const given = values.map((v) => v.value);
        calls.push({ name, given, types: values.map((v) => DataType[v.dataType]) });
        done(null, run(...given));
      });
  const good = (...outputs) => ({ statusCode: StatusCodes.Good, outputArguments: outputs });
  const argument = (name, dataType) => ({ name, dataType, description: { text: `the ${name}` } });
  add('reset', [], [], () => good());
  add('add', [argument('a', DataType.Double), argument('b', DataType.Int32)], [argument('sum', DataType.Double)],
    (a, b) => good({ dataType: DataType.Double, value: a + b }));
  add('label', [argument('text', DataType.String), argument('on', DataType.Boolean)], [argument('length', DataType.UInt32)],
    (text) => good({ dataType: DataType.UInt32, value: text.length }));
  add('refuse', [], [], () => ({ statusCode: StatusCodes.BadUserAccessDenied }));
  return { machine, calls };
}

/** A tank whose level has an exclusive limit alarm (10, 20, 80, 90) that wants acknowledgement and confirmation. */
export function addAlarms(space, ns, parent) {
  space.installAlarmsAndConditionsService();
  const tank = ns.addObject({ organizedBy: parent, browseName: 'Tank', nodeId: 's=Tank', eventNotifier: 1,
    notifierOf: space.rootFolder.objects.server });
  const level = addVariable(ns, tank, 'level', 'Double', { dataType: DataType.Double, value: 50 });
  level.addReference({ referenceType: 'HasEventSource', isForward: false, nodeId: tank.nodeId });
  const alarm = ns.instantiateExclusiveLimitAlarm('ExclusiveLimitAlarmType', { browseName: 'LevelAlarm', nodeId: 's=LevelAlarm',
    componentOf: tank, conditionSource: level, conditionOf: level, conditionName: 'Level', inputNode: level,
    highHighLimit: 90, highLimit: 80, lowLimit: 20, lowLowLimit: 10, optionals: ['ConfirmedState', 'Confirm'] });
  alarm.setEnabledState(true);
  return { tank, level, alarm };
}

/** A type of event with a field of its own. raise(message, severity, zone) raises one at the server itself. */
export function addEvents(space, ns) {
  const type = ns.addEventType({ browseName: 'BatchEventType', subtypeOf: 'BaseEventType' });
  ns.addVariable({ propertyOf: type, browseName: 'Zone', dataType: 'String', modellingRule: 'Mandatory' });
  const server = space.rootFolder.objects.server;
  const raise = (message, severity, zone = 'A') => server.raiseEvent(type, {
    message: { dataType: DataType.LocalizedText, value: { text: message } },
    severity: { dataType: DataType.UInt16, value: severity },
    sourceName: { dataType: DataType.String, value: 'Mixer' },
    zone: { dataType: DataType.String, value: zone },
  });
  return { raise, field: `${ns.index}:Zone` };
}
