/**
 * The licences of what is inside the executable, as one text: who passes the file on owes them to
 * the authors, and to whoever gets it. Debian's packages and npm's bring theirs; what neither has
 * stands here. A library under the LGPL is a part of its own that the dynamic loader gets, so it
 * can be replaced: the sources of this program say how the file is put together.
 */
import { type DebianFiles, provideDebianFiles } from "../debian_files.ts";
import { readPackageFile } from "./npm_cache.ts";

/** Those that Debian's copyright files only name. */
const COMMON_LICENCES = ["LGPL-2.1", "GPL-3", "Apache-2.0"];
/** Where they are. */
export const LICENCE_PACKAGE = "base-files";
/** As npm's packages call the file. */
const PACKAGE_LICENCES = ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE"];

const MIT_TERMS = `\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`;

const BSD_TERMS = `\
Redistribution and use in source and binary forms, with or without modification, are permitted
provided that the following conditions are met:

  * Redistributions of source code must retain the above copyright notice, this list of conditions
    and the following disclaimer.
  * Redistributions in binary form must reproduce the above copyright notice, this list of
    conditions and the following disclaimer in the documentation and/or other materials provided
    with the distribution.
  * Neither the name of Google Inc. nor the names of its contributors may be used to endorse or
    promote products derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR
IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT OWNER OR
CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE,
DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER
IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF
THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
`;

/** Of what comes without a file that says it. */
const KNOWN: Readonly<Record<string, string>> = {
  "Deno; what it is made of itself stands in its Cargo.lock":
    `Copyright 2018-2026 the Deno authors\n\n${MIT_TERMS}`,
  "V8": `Copyright 2006-2026, the V8 project authors. All rights reserved.\n\n${BSD_TERMS}`,
  "TypeScript, the compiler of the runtime":
    "Copyright (c) Microsoft Corporation. All rights reserved.\n\nUnder Apache-2.0, see below.\n",
  "zig, whose library of the compiler is in the launcher":
    `Copyright (c) Zig contributors\n\n${MIT_TERMS}`,
};

export interface LicenceSources {
  readonly root: string;
  readonly debian: DebianFiles;
  /** The compiler's folder of libraries. */
  readonly compilerLibrary: string;
  readonly npm: readonly string[];
  readonly npmCache: string;
}

/** The text. @throws Error when a licence is not where it should be: it must not be left out. */
export function gatherLicences(sources: LicenceSources): string {
  const { root, debian, compilerLibrary, npm, npmCache } = sources;
  const read = (path: string) => Deno.readTextFileSync(path);
  const doc = (name: string) => read(`${debian.root}/usr/share/doc/${name}/copyright`);
  const sections = new Map<string, string>([
    ["Ringway", read(`${root}/LICENSE`)],
    ...Object.entries(KNOWN),
    ["glibc", doc("libc6")],
    ["libgcc", doc("libgcc-s1")],
    ["liburing", doc("liburing-dev")],
    ["zstd", doc("libzstd-dev")],
    ["musl", read(`${compilerLibrary}/libc/musl/COPYRIGHT`)],
    ...npm.map((each) => [each, readPackageLicence(each, npmCache)] as const),
    ...COMMON_LICENCES.map((name) =>
      [name, read(`${debian.root}/usr/share/common-licenses/${name}`)] as const
    ),
  ]);
  const names = [...sections.keys()];
  const head = `What is in this executable, and under which licence:\n\n` +
    names.map((name) => `  ${name}\n`).join("");
  const rule = "=".repeat(100);
  const bodies = Array.from(sections, ([name, text]) => {
    return `\n${rule}\n${name}\n${rule}\n\n${text.trim()}\n`;
  });
  return head + bodies.join("");
}

/** The package that has what libgcc's documentation points to, which is named after a version. */
export async function provideLicencesOfGcc(
  debian: DebianFiles,
  architecture: string,
  folder: string,
): Promise<void> {
  const doc = `${debian.root}/usr/share/doc/libgcc-s1`;
  if (!Deno.lstatSync(doc).isSymlink) return; // it has its own
  const base = Deno.readLinkSync(doc);
  await provideDebianFiles([base], architecture, folder);
}

function readPackageLicence(specifier: string, npmCache: string): string {
  const text = readPackageFile(npmCache, specifier, PACKAGE_LICENCES);
  if (text === null) throw new Error(`${specifier} has no licence with it`);
  return text;
}
