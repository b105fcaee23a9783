// The settings: which of them are the server's, and their values as the server takes them. Their names, defaults and
// descriptions stand in package.json alone; a test of the server holds that against its own table.

import * as vscode from "vscode";

/** The section of all settings. */
export const SECTION = "infill-ls";

/** Begins the names of the settings that are about starting the server, and are not sent to it. */
const OWN = `${SECTION}.server.`;

/** What the server's descriptions say of settings that it does not look at later. */
const READ_AT_THE_START = "Read at the start.";

/** Settings whose effect is over when the model is there, or that are about the process itself. */
const ALSO_AT_THE_START = ["fetch", "server"];

/** What starting the server needs to know. */
export interface StartSettings {
  path: string;
  environment: Record<string, string>;
}

/** Returns the settings about starting the server. */
export function startSettings(): StartSettings {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return {
    path: settings.get("server.path", ""),
    environment: settings.get<Record<string, string>>("server.environment", {}),
  };
}

/** Returns the server's settings, by the names that it knows. */
export function serverSettings(extension: vscode.Extension<unknown>): Record<string, unknown> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const names = serverNames(extension);
  return Object.fromEntries(names.map((name) => [name, settings.get(name)]));
}

/** Returns whether the server must be started anew for a change. */
export function needsRestart(extension: vscode.Extension<unknown>, change: vscode.ConfigurationChangeEvent): boolean {
  const described = Object.entries(properties(extension))
    .filter(([, { markdownDescription }]) => markdownDescription.includes(READ_AT_THE_START))
    .map(([name]) => name);
  const others = ALSO_AT_THE_START.map((name) => `${SECTION}.${name}`);
  return [...described, ...others].some((name) => change.affectsConfiguration(name));
}

/** Returns whether one of the settings that switch something is on. */
export function isOn(name: string): boolean {
  return vscode.workspace.getConfiguration(SECTION).get(name, false);
}

/** Returns the languages that are left alone. */
export function disabledLanguages(): string[] {
  return vscode.workspace.getConfiguration(SECTION).get<string[]>("disabled_languages", []);
}

/** Writes a setting where it is set already, or else for the user. */
export async function write(name: string, value: unknown): Promise<void> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const inWorkspace = settings.inspect(name)?.workspaceValue !== undefined;
  await settings.update(
    name,
    value,
    inWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global,
  );
}

interface Manifest {
  contributes: { configuration: { properties: Record<string, { markdownDescription: string }> } };
}

function properties(extension: vscode.Extension<unknown>): Manifest["contributes"]["configuration"]["properties"] {
  return (extension.packageJSON as Manifest).contributes.configuration.properties;
}

function serverNames(extension: vscode.Extension<unknown>): string[] {
  return Object.keys(properties(extension))
    .filter((name) => !name.startsWith(OWN))
    .map((name) => name.slice(SECTION.length + 1));
}
