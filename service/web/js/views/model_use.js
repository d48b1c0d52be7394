// How to use a model elsewhere: PyTorch, curl, the command line, the client.
import { html, useState } from "../lib.js";
import { address } from "../api.js";
import { bytes } from "../format.js";
import { Copy, Segments } from "../ui/all.js";

const WAYS = [["torch", "PyTorch"], ["cli", "Command line"], ["python", "Python client"], ["curl", "curl"]];

/** The part of a model's page with code to copy. */
export function UseIt({ model }) {
  const ways = model.reader ? WAYS.filter(([key]) => key !== "torch") : WAYS;
  const [way, setWay] = useState(ways[0][0]);
  return html`<div class="stack">
    <div class="row between wrap"><${Segments} label="Way" value=${way} options=${ways} onChange=${setWay} />${model.size_bytes && html`<a class="button" href=${address(`models/${model.id}/content`)} download>Download ${bytes(model.size_bytes)}</a>`}</div>
    <${Copy} text=${codeFor(way, model)} />
    ${way === "torch" && html`<p class="soft small">The mean and standard deviation are those of the manifest. Images are scaled to ${model.input ? `${model.input.width} × ${model.input.height} pixels` : "the network's input"}.</p>`}
  </div>`;
}

function codeFor(way, model) {
  const origin = location.origin;
  if (model.reader) return readerCode(way, model, origin);
  if (model.few_shot && way !== "torch") return fewShotCode(way, model, origin);
  if (model.stylizer && way !== "torch") return stylizerCode(way, model, origin);
  const file = fileOf(model);
  if (way === "cli") return `zooscope models download ${model.id} --out ${file}\nzooscope predict ${model.id} image.jpg`;
  if (way === "curl") return `curl -H "Authorization: Bearer $ZOO_KEY" \\\n  -o ${file} ${origin}/v1/models/${model.id}/content\n\ncurl -H "Authorization: Bearer $ZOO_KEY" -H "Content-Type: image/jpeg" \\\n  --data-binary @image.jpg ${origin}/v1/models/${model.id}:predict`;
  if (way === "python") return `from pathlib import Path\n\nfrom zooscope import ZooClient\n\nwith ZooClient("${origin}", key="zoo_…") as zoo:\n    zoo.models.download("${model.id}", Path("${file}"))\n    print(zoo.models.predict("${model.id}", [Path("image.jpg")]).classes)`;
  return torchCode(model, file);
}

const fileOf = (model) => `${model.name.replaceAll(/[^\w.-]+/g, "-").replace(/^[.-]+/, "") || model.id}.${model.format}`;

/** A few-shot learner answers only beside examples of the classes. */
function fewShotCode(way, model, origin) {
  if (way === "cli") return `# A folder for each class with a few images\nzooscope predict ${model.id} image.jpg --support examples/`;
  if (way === "python") return `from pathlib import Path\n\nfrom zooscope import FewShotSupport, ZooClient\n\nexamples = {folder.name: [*folder.iterdir()] for folder in Path("examples").iterdir()}\nwith ZooClient("${origin}", key="zoo_…") as zoo:\n    support = FewShotSupport(files=examples)\n    print(zoo.models.predict("${model.id}", [Path("image.jpg")], support=support).classes)`;
  return `curl -H "Authorization: Bearer $ZOO_KEY" -F images=@image.jpg \\\n  -F support=@cat.jpg -F support_labels=cat \\\n  -F support=@dog.jpg -F support_labels=dog \\\n  ${origin}/v1/models/${model.id}:predict`;
}

/** A reader turns clips into text. */
function readerCode(way, model, origin) {
  if (way === "cli") return `zooscope predict ${model.id} talk.mp4`;
  if (way === "python") return `from pathlib import Path\n\nfrom zooscope import Clips, ZooClient\n\nwith ZooClient("${origin}", key="zoo_…") as zoo:\n    clips = Clips(files=[Path("talk.mp4")])\n    for text in zoo.models.predict("${model.id}", clips=clips).texts:\n        print(text["text"], text["score"])`;
  return `curl -H "Authorization: Bearer $ZOO_KEY" -F clips=@talk.mp4 \\\n  ${origin}/v1/models/${model.id}:predict`;
}

/** A stylizer paints a picture in the style of others. */
function stylizerCode(way, model, origin) {
  if (way === "cli") return `zooscope predict ${model.id} photo.jpg --style painting.jpg --strength 0.8`;
  if (way === "python") return `from pathlib import Path\n\nfrom zooscope import Styles, ZooClient\n\nwith ZooClient("${origin}", key="zoo_…") as zoo:\n    styles = Styles(files=[Path("painting.jpg")], strength=0.8)\n    print(zoo.models.predict("${model.id}", [Path("photo.jpg")], styles=styles))`;
  return `curl -H "Authorization: Bearer $ZOO_KEY" -F images=@photo.jpg -F styles=@painting.jpg \\\n  "${origin}/v1/models/${model.id}:predict?strength=0.8" -o painted.png`;
}

/** A value of a manifest as Python writes it. */
const literal = (value) => (value === true ? "True" : value === false ? "False" : JSON.stringify(value));

function torchCode(model, file) {
  const input = model.input || { height: 224, width: 224, mean: [0, 0, 0], std: [1, 1, 1] };
  const load = model.format === "pt2" || !model.architecture
    ? `model = torch.export.load("${file}").module()`
    : `import ${model.architecture.library === "timm" ? "timm" : "torchvision"}\nfrom safetensors.torch import load_file\n\nmodel = ${model.architecture.library === "timm" ? "timm.create_model" : "torchvision.models.get_model"}("${model.architecture.name}"${Object.entries(model.architecture.arguments || {}).map(([name, value]) => `, ${name}=${literal(value)}`).join("")})\nmodel.load_state_dict(load_file("${file}"))\nmodel.eval()`;
  return `import torch\nfrom torchvision.io import decode_image\nfrom torchvision.transforms import v2\n${load}\n\nprepare = v2.Compose([\n    v2.Resize((${input.height}, ${input.width})),\n    v2.ToDtype(torch.float32, scale=True),\n    v2.Normalize(${JSON.stringify(input.mean)}, ${JSON.stringify(input.std)}),\n])\nimage = prepare(decode_image("image.jpg", "${input.channels === 1 ? "GRAY" : "RGB"}"))\nwith torch.inference_mode():\n    print(model(image[None]))`;
}
