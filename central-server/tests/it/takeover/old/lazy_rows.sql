insert into audit_logs (id, action, user_id, target_type, target_id, details, ip_address, user_agent, created_at) values
  ('d0000000-0000-4000-8000-000000000001', 'SITE_CREATED', '10000000-0000-4000-8000-000000000001', 'site',
    '20000000-0000-4000-8000-000000000001', '{"siteName": "Gymnase Jean-Moulin"}', '203.0.113.7', 'Mozilla/5.0',
    '2025-05-01 12:00:00+00'),
  ('d0000000-0000-4000-8000-000000000002', 'API_KEY_REGENERATED', null, 'site', '20000000-0000-4000-8000-000000000001',
    null, null, null, '2025-05-02 14:00:00+02');
insert into alert_thresholds (name, metric, condition, warning_value, critical_value, duration)
  values ('high CPU', 'cpu_usage', 'gt', 70, 90, 300);
insert into canary_deployments (id, deployment_type, resource_id, target_type, target_id, config, current_phase) values
  ('e0000000-0000-4000-8000-000000000001', 'content', '40000000-0000-4000-8000-000000000001', 'group',
    '30000000-0000-4000-8000-000000000001', '{"canaryPercentage": 10}', 'canary');
insert into canary_site_status (canary_deployment_id, site_id, site_name, phase, status) values
  ('e0000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', 'Gymnase Jean-Moulin', 'canary',
    'pending');
