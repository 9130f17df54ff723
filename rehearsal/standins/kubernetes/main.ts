import { serve } from "../protocol.ts";
import { kubernetes } from "./provider.ts";

await serve(kubernetes());
