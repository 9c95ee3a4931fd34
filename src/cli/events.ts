/**
 * `ringway events`: what has happened to servers of the running program, the newest at the end, as
 * far back as it is kept. The log of the program has the same for longer.
 */
import { fetchEvents } from "../admin/admin_client.ts";
import { type Whereabouts, withRunning } from "./admin_path.ts";
import { ownPaint, print, say } from "./output.ts";
import { renderEvents } from "./server_tables.ts";

export async function runEvents(whereabouts: Whereabouts, json: boolean): Promise<number> {
  return await withRunning(whereabouts, async (path) => {
    const events = await fetchEvents(path);
    if (json) print(JSON.stringify(events, null, 2) + "\n");
    else if (events.length === 0) say("nothing has happened so far\n");
    else print(renderEvents(events, ownPaint()));
  });
}
