import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";
import { tokensOfScript, tokensOfTypeScript, type CodeToken } from "./code-tokens.ts";

/** A declaration, or a whole SQL or Lua file. */
export interface CodePart {
  file: string;
  tokens: readonly CodeToken[];
  /** The names of its variables and parameters. */
  variables: ReadonlySet<string>;
  /** The text of its file. */
  fileText: string;
}

/** Parts of the sources by name. A name can have several. */
export type SourceCode = ReadonlyMap<string, readonly CodePart[]>;

const SOURCES = ["{libs,services}/*/src/**/*.{ts,lua,sql}", "stack/src/**/*.ts", "migrations/*.sql"];

/** Reads the declarations and files with certain names from all sources but tests. */
export function readSourceCode(root: string, names: ReadonlySet<string>): SourceCode {
  const parts = new Map<string, CodePart[]>();
  for (const file of globSync(SOURCES, { cwd: root })) {
    if (file.endsWith(".test.ts")) continue;
    const isScript = !file.endsWith(".ts");
    if (isScript && !names.has(basename(file))) continue;
    const fileText = readFileSync(join(root, file), "utf8");
    for (const [name, part] of isScript
      ? [scriptOf(file, fileText)]
      : declarationsOf(file, fileText, names)) {
      parts.set(name, [...(parts.get(name) ?? []), part]);
    }
  }
  return parts;
}

function scriptOf(file: string, fileText: string): [string, CodePart] {
  return [basename(file), { file, fileText, tokens: tokensOfScript(fileText), variables: new Set() }];
}

function declarationsOf(file: string, fileText: string, names: ReadonlySet<string>): [string, CodePart][] {
  const tree = ts.createSourceFile(file, fileText, ts.ScriptTarget.Latest, true);
  return declaredIn(tree).flatMap(({ name, node }): [string, CodePart][] => {
    if (!names.has(name)) return [];
    const from = node.getStart(tree);
    const tokens = tokensOfTypeScript(fileText.slice(from, node.end)).map(({ text, start, end }) => ({
      text,
      start: from + start,
      end: from + end,
    }));
    return [[name, { file, fileText, tokens, variables: variablesOf(node) }]];
  });
}

interface Declaration {
  name: string;
  node: ts.Node;
}

/** Returns the declarations at a file's top level, and the members of its classes. */
function declaredIn(tree: ts.SourceFile): Declaration[] {
  return tree.statements.flatMap((node): Declaration[] => {
    if (ts.isVariableStatement(node)) {
      return node.declarationList.declarations.flatMap(({ name }) =>
        ts.isIdentifier(name) ? [{ name: name.text, node }] : [],
      );
    }
    if (ts.isFunctionDeclaration(node)) return node.name ? [{ name: node.name.text, node }] : [];
    if (!ts.isClassDeclaration(node) || node.name === undefined) return [];
    const members = node.members.flatMap((member) =>
      member.name !== undefined && ts.isMemberName(member.name)
        ? [{ name: member.name.text, node: member }]
        : [],
    );
    return [{ name: node.name.text, node }, ...members];
  });
}

/** Returns the names of a declaration's parameters and variables, but of those that are also names of properties. */
function variablesOf(declaration: ts.Node): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const isVariable =
      ts.isParameter(node) ||
      ts.isVariableDeclaration(node) ||
      (ts.isBindingElement(node) &&
        (node.propertyName !== undefined || ts.isArrayBindingPattern(node.parent)));
    if (isVariable && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  if (ts.isVariableStatement(declaration)) {
    for (const { initializer } of declaration.declarationList.declarations)
      if (initializer) visit(initializer);
  } else ts.forEachChild(declaration, visit);
  return names;
}
