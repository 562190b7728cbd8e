-- `http-request lua.prolong`: asks the authority about a request, by what stands in txn.prolong. Lets it pass, with
-- txn.prolong_subject and its like, or answers it.

local authority = "http://127.0.0.1:8080"

local function answer(txn, status, headers, body)
    local reply = txn:reply({ status = status })
    for name, value in pairs(headers) do
        reply:add_header(name, value)
    end
    reply:set_body(body or "")
    txn:done(reply)
end

core.register_action("prolong", { "http-req" }, function(txn)
    local asked = txn.http:req_get_headers()
    local headers = {}
    for _, name in ipairs({ "authorization", "prolong-activity", "user-agent" }) do
        -- Every one of them: whoever sends two tokens is refused.
        for _, value in pairs(asked[name] or {}) do
            headers[name] = headers[name] or {}
            table.insert(headers[name], value)
        end
    end
    headers["x-forwarded-for"] = { txn.f:src() }
    local told = core.httpclient():get({
        url = authority .. "/v1/verify?" .. txn:get_var("txn.prolong"),
        headers = headers,
        timeout = 5000,
    })
    local function field(name)
        return told.headers and told.headers[name] and told.headers[name][0]
    end

    if told.status == 200 then
        for _, name in ipairs({ "subject", "session", "client", "scope", "access-token", "renew" }) do
            local value = field("prolong-" .. name)
            if value then
                txn:set_var("txn.prolong_" .. name:gsub("-", "_"), value)
            end
        end
    elseif told.status >= 400 and told.status < 500 then
        -- Refusals go back as they are: status, challenge, body.
        local kept = { ["Cache-Control"] = "no-store" }
        for _, name in ipairs({ "www-authenticate", "content-type", "retry-after" }) do
            kept[name] = field(name)
        end
        answer(txn, told.status, kept, told.body)
    else
        -- The authority could not be asked: nobody is signed out for that.
        answer(txn, 503, { ["Retry-After"] = "2" })
    end
end)
