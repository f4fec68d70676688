"use strict";
// The page asks the service that it came from, and nothing else. Nothing is kept.

const $ = (id) => document.getElementById(id);
const words = document.body.dataset;
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const LONGEST = 200000;
let operations = [];

function headers(more) {
  const found = { "Accept-Language": language, ...more };
  if ($("key").value) found.Authorization = "Bearer " + $("key").value;
  return found;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

async function load() {
  const answer = await fetch("openapi.json", { headers: headers() });
  if (!answer.ok) return show(answer.status, await answer.text(), true);
  const document_ = await answer.json();
  operations = [];
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      operations.push({ path, method: method.toUpperCase(), operation });
    }
  }
  const rank = (one) => (one.path === "/v1/score" ? 0 : one.method === "POST" ? 1 : 2);
  operations.sort((a, b) => rank(a) - rank(b) || a.path.localeCompare(b.path));
  $("route").replaceChildren(...operations.map((one) => element("option", one.method + " " + one.path)));
  choose();
}

function chosen() {
  return operations[$("route").selectedIndex];
}

function examplesOf(operation) {
  const content = Object.entries(operation.requestBody ? operation.requestBody.content : {});
  const found = [];
  for (const [media, about] of content) {
    if (about.examples) {
      for (const [name, one] of Object.entries(about.examples)) found.push({ media, name: one.summary || name, value: one.value });
    } else if (about.example !== undefined) {
      found.push({ media, name: media, value: about.example });
    }
  }
  return found;
}

function choose() {
  const { path, operation } = chosen();
  $("about").textContent = operation["x-summary-" + language] || operation.description || "";
  const examples = examplesOf(operation);
  $("example").replaceChildren(...examples.map((one) => element("option", one.name)));
  $("example").disabled = examples.length === 0;
  const usual = { table: "jinxiang", table_id: "jinxiang", on: "2018-07-01", detail: "" };
  const asked = (operation.parameters || []).filter((one) => one.in === "query" || one.in === "path");
  $("parameters").replaceChildren(
    ...asked.map((one) => {
      const label = element("label", one.name + " ");
      const input = document.createElement(one.schema.enum ? "select" : "input");
      if (one.schema.enum) input.replaceChildren(...["", ...one.schema.enum].map((value) => element("option", value)));
      input.name = one.name;
      input.dataset.place = one.in;
      input.title = one.description || "";
      if (one.required || path.includes("{")) input.value = usual[one.name] || "";
      label.append(input);
      return label;
    })
  );
  fill();
}

function fill() {
  const example = examplesOf(chosen().operation)[$("example").selectedIndex];
  const needed = chosen().method === "POST";
  $("body").hidden = $("body-label").hidden = !needed;
  if (!example) $("body").value = "";
  else $("body").value = typeof example.value === "string" ? example.value : JSON.stringify(example.value, null, 2);
}

function address() {
  let path = chosen().path;
  const query = new URLSearchParams();
  for (const input of $("parameters").querySelectorAll("input, select")) {
    if (input.dataset.place === "path") path = path.replace("{" + input.name + "}", encodeURIComponent(input.value));
    else if (input.value) query.set(input.name, input.value);
  }
  return path.slice(1) + (query.size ? "?" + query : "");
}

async function send(event) {
  event.preventDefault();
  const { method, operation } = chosen();
  const example = examplesOf(operation)[$("example").selectedIndex];
  const given = { method, headers: headers() };
  if (method === "POST") {
    given.headers["Content-Type"] = example ? example.media : "application/json";
    given.body = $("body").value;
  }
  $("send").disabled = true;
  const began = performance.now();
  try {
    const answer = await fetch(address(), given);
    const text = await answer.text();
    show(answer.status + ", " + Math.round(performance.now() - began) + " ms, " + text.length + " " + words.bytes, text, !answer.ok);
  } catch {
    show("", words.failed, true);
  } finally {
    $("send").disabled = false;
  }
}

function show(status, text, bad) {
  $("answer").hidden = false;
  $("status").textContent = status;
  $("status").className = bad ? "bad" : "";
  let found = null;
  try {
    found = JSON.parse(text);
  } catch {
    found = null;
  }
  const result = found && found.result;
  $("result").hidden = !result;
  if (result) {
    const rows = Object.entries(result).filter(([, value]) => value !== null && value !== "");
    $("result").tBodies[0].replaceChildren(
      ...rows.map(([name, value]) => {
        const row = document.createElement("tr");
        row.append(element("th", name), element("td", value));
        return row;
      })
    );
  }
  const shown = found ? JSON.stringify(found, null, 2) : text;
  $("raw").textContent = shown.length > LONGEST ? shown.slice(0, LONGEST) + "…" : shown;
}

$("route").addEventListener("change", choose);
$("example").addEventListener("change", fill);
$("ask").addEventListener("submit", send);
$("key").addEventListener("change", load);
load();
