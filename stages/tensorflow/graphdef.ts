/** Writes a graph as the bytes of a `saved_model.pb`, through the protobuf classes that the package ships. */
import {tensorflow} from './backend.js';
import type {Attribute, Constant, Graph, GraphNode} from './graph.js';
import type {AttrValue, ListValue, NodeDef, TensorShape} from './protobuf.js';

/** The tag under which the graph is stored and loaded. */
export const TAG = 'serve';

const PRODUCER = 1987; // the graph version of TensorFlow 2.19
const MIN_CONSUMER = 12;

export function savedModelBytes(graph: Graph): Uint8Array {
  const {messages} = tensorflow();
  const versions = new messages.VersionDef();
  versions.setProducer(PRODUCER);
  versions.setMinConsumer(MIN_CONSUMER);
  const graphDef = new messages.GraphDef();
  graphDef.setNodeList(graph.nodes.map(nodeDef));
  graphDef.setVersions(versions);
  const info = new messages.MetaGraphDef.MetaInfoDef();
  info.addTags(TAG);
  const metaGraph = new messages.MetaGraphDef();
  metaGraph.setMetaInfoDef(info);
  metaGraph.setGraphDef(graphDef);
  const model = new messages.SavedModel();
  model.setSavedModelSchemaVersion(1);
  model.addMetaGraphs(metaGraph);
  return model.serializeBinary();
}

function nodeDef({name, op, inputs, attributes}: GraphNode): NodeDef {
  const node = new (tensorflow().messages.NodeDef)();
  node.setName(name);
  node.setOp(op);
  node.setInputList(inputs);
  const map = node.getAttrMap();
  for (const [key, attribute] of Object.entries(attributes)) map.set(key, attrValue(attribute));
  return node;
}

function attrValue(attribute: Attribute): AttrValue {
  const {messages} = tensorflow();
  const value = new messages.AttrValue();
  const list = (fill: (list: ListValue) => void): void => {
    const values = new messages.AttrValue.ListValue();
    fill(values);
    value.setList(values);
  };
  switch (attribute.kind) {
    case 'type':
      if (typeof attribute.value === 'number') value.setType(attribute.value);
      else list((values) => values.setTypeList(attribute.value as readonly number[]));
      break;
    case 'int':
      if (typeof attribute.value === 'number') value.setI(attribute.value);
      else list((values) => values.setIList(attribute.value as readonly number[]));
      break;
    case 'float':
      if (typeof attribute.value === 'number') value.setF(attribute.value);
      else list((values) => values.setFList(attribute.value as readonly number[]));
      break;
    case 'bool':
      if (typeof attribute.value === 'boolean') value.setB(attribute.value);
      else list((values) => values.setBList(attribute.value as readonly boolean[]));
      break;
    case 'string':
      value.setS(Buffer.from(attribute.value));
      break;
    case 'shape':
      value.setShape(shapeOf(attribute.value));
      break;
    case 'tensor':
      value.setTensor(tensorOf(attribute.value));
      break;
  }
  return value;
}

function tensorOf({dtype, shape, values}: Constant): InstanceType<ReturnType<typeof tensorflow>['messages']['Tensor']> {
  const tensor = new (tensorflow().messages.Tensor)();
  tensor.setDtype(dtype);
  tensor.setTensorShape(shapeOf(shape));
  tensor.setTensorContent(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return tensor;
}

function shapeOf(shape: readonly number[]): TensorShape {
  const {messages} = tensorflow();
  const message = new messages.TensorShape();
  for (const size of shape) {
    const dimension = new messages.TensorShape.Dim();
    dimension.setSize(size);
    message.addDim(dimension);
  }
  return message;
}
