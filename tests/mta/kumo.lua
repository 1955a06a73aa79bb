-- Runs a policy of KumoMTA without KumoMTA: a stand-in for its module `kumo`, after docs.kumomta.com, of just what the policy calls.
-- Only the requests are real (LuaSocket). Lines of standard input are "event address"; each is answered by a line, what the server would say.
--
--     lua5.4 kumo.lua POLICY

local http = require 'socket.http'
local cjson = require 'cjson'
local url = require 'socket.url'

local handlers, kumo = {}, { http = {}, secrets = {}, serde = { json_parse = cjson.decode } }
local requests = 0

local function seconds(duration)
  local number = duration:match '^(%d+) seconds?$'
  return tonumber(number) or error('no duration: ' .. duration)
end

function kumo.on(event, handler)
  handlers[event] = handler
end

function kumo.reject(code, message)
  error { code = code, message = message }
end

function kumo.log_error(...)
  io.stderr:write(table.concat({ ... }, ' '), '\n')
end

function kumo.memoize(compute, params)
  assert(params.name and params.capacity > 0)
  local ttl, known = seconds(params.ttl), {}
  return function(key)
    local found = known[key]
    if not found or found.ends <= os.time() then
      found = { value = compute(key), ends = os.time() + ttl } -- an error is not remembered
      known[key] = found
    end
    return found.value
  end
end

function kumo.secrets.load(path)
  local file = assert(io.open(path, 'rb'))
  local text = file:read 'a'
  file:close()
  return text
end

function kumo.http.build_url(base, params)
  local pairs_of = {}
  for name, value in pairs(params) do
    pairs_of[#pairs_of + 1] = url.escape(name) .. '=' .. url.escape(value)
  end
  return base .. '?' .. table.concat(pairs_of, '&')
end

local function send(request)
  local body = {}
  requests = requests + 1
  http.TIMEOUT = request.timeout
  local done, status = http.request { url = request.url, headers = request.headers, sink = require('ltn12').sink.table(body) }
  if not done then
    error(status)
  end
  return {
    status_code = function()
      return status
    end,
    text = function()
      return table.concat(body)
    end,
  }
end

function kumo.http.build_client(params)
  local client = {}
  function client.get(_, address)
    local request = { url = address, headers = {}, timeout = seconds(params.timeout), send = send }
    function request.bearer_auth(self, token)
      self.headers.Authorization = 'Bearer ' .. token
    end
    return request
  end
  return client
end

package.loaded.kumo = kumo
dofile(arg[1])

for line in io.lines() do
  local event, address = line:match '^(%S+) (.*)$'
  local envelope = { email = address, user = address:match '^(.*)@', domain = address:match '@([^@]*)$' }
  local argument = event == 'http_message_generated' and { recipient = function() return envelope end } or envelope
  local ok, failure = pcall(handlers[event], argument, {})
  if ok then
    print '250 OK'
  elseif type(failure) == 'table' then
    print(failure.code .. ' ' .. failure.message)
  else
    print('a fault: ' .. tostring(failure))
  end
end
print(requests .. ' requests')
