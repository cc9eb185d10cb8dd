-- What wrk sends, and the check of every answer. The request comes in the environment, from wrk.py:
-- BENCH_METHOD, BENCH_PATH, BENCH_BODY, BENCH_AUTHORIZATION, BENCH_STATUS (the one answer that counts), BENCH_HOLDS
-- (what it holds), BENCH_FIRST_ID, BENCH_LAST_ID, BENCH_RUN, BENCH_SYLLABLES, BENCH_SCATTER, BENCH_BELOW.
-- In path and body, of one random loaded user: {id}, {family} (the family name), {part} (the same in lower case: the
-- part of the name to search for); {n} is new each time.

local threads = {}

function setup(thread)
   thread:set("number", #threads + 1)
   table.insert(threads, thread)
end

function init(args)
   path, body = os.getenv("BENCH_PATH"), os.getenv("BENCH_BODY")
   first, last = tonumber(os.getenv("BENCH_FIRST_ID")), tonumber(os.getenv("BENCH_LAST_ID"))
   scatter, below = tonumber(os.getenv("BENCH_SCATTER")), tonumber(os.getenv("BENCH_BELOW"))
   expected, holds = tonumber(os.getenv("BENCH_STATUS")), os.getenv("BENCH_HOLDS")
   wrk.method = os.getenv("BENCH_METHOD")
   if os.getenv("BENCH_AUTHORIZATION") ~= "" then
      wrk.headers["Authorization"] = os.getenv("BENCH_AUTHORIZATION")
   end
   if body ~= "" then
      wrk.headers["Content-Type"] = "application/json"
   end
   syllables, named = {}, (path .. body):find("{family}") or (path .. body):find("{part}")
   for syllable in os.getenv("BENCH_SYLLABLES"):gmatch("%l+") do
      table.insert(syllables, syllable)
   end
   prefix = os.getenv("BENCH_RUN") .. "x" .. number .. "x"
   math.randomseed(tonumber(os.getenv("BENCH_RUN")) * 1000 + number)
   sent, right, wrong, sample = 0, 0, 0, ""
end

-- load.py, family_name_of, in lower case
local function family_name_of(id)
   local rest, name = id * scatter % below, ""
   for _ = 1, 4 do
      name = name .. syllables[rest % #syllables + 1]
      rest = math.floor(rest / #syllables)
   end
   return name
end

function request()
   sent = sent + 1
   local id = math.random(first, last)
   local values = { id = string.format("%d", id), n = prefix .. sent }
   if named then
      local name = family_name_of(id)
      values.family, values.part = name:sub(1, 1):upper() .. name:sub(2), name
   end
   return wrk.format(nil, path:gsub("{(%l+)}", values), nil, body ~= "" and body:gsub("{(%l+)}", values) or nil)
end

function response(status, headers, answer)
   if status == expected and (holds == "" or answer:find(holds, 1, true)) then
      right = right + 1
   else
      wrong = wrong + 1
      if sample == "" then
         sample = status .. " " .. answer:sub(1, 200):gsub("%s+", " ")
      end
   end
end

function done(summary, latency, requests)
   local right, wrong, sample = 0, 0, ""
   for _, thread in ipairs(threads) do
      right, wrong = right + thread:get("right"), wrong + thread:get("wrong")
      sample = sample ~= "" and sample or thread:get("sample")
   end
   local errors = summary.errors
   io.write(string.format(
      "result: requests=%d right=%d wrong=%d connect=%d read=%d write=%d timeout=%d duration_us=%d p50_us=%d p99_us=%d\n",
      summary.requests, right, wrong, errors.connect, errors.read, errors.write, errors.timeout,
      summary.duration, latency:percentile(50), latency:percentile(99)))
   io.write("sample: " .. sample .. "\n")
end
